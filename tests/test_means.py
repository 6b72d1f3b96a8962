"""A test that needs a means of this machine may skip only where doctor finds that it does not work."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TESTS = """
import pytest

@pytest.mark.means("landlock")
def test_gives_up():
    pytest.skip("no luck")

@pytest.mark.means("landlock")
@pytest.mark.skipif(True, reason="said beforehand")
def test_says_so_beforehand(): ...

def test_needs_nothing():
    pytest.skip("fine")
"""


@pytest.mark.means("landlock")
def test_a_skip_where_the_means_works_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    (tmp_path / "test_it.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml")]
    done = subprocess.run(
        [*command, "--rootdir", str(tmp_path), "test_it.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed, 2 skipped" in done.stdout
    assert "test_gives_up" in done.stdout
    assert "skipped, although landlock works here: Skipped: no luck" in done.stdout


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("apt-get") is None, reason="not root on Debian")
@pytest.mark.parametrize(
    "program", ["ip", "git", "strace", "curl", "rsyslogd", "openssl", "systemd-analyze", "/usr/bin/python3"]
)
def test_what_setup_installs_is_there(program: str) -> None:
    """Tests skip where these are missing; none does so here without being told."""
    assert shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin"), "not there: see .ci/setup"
