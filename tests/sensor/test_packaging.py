"""The systemd unit: systemd itself reads it, and rates its hardening."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

PACKAGING = Path(__file__).parents[2] / "packaging"
UNIT = PACKAGING / "workbench-sensor@.service"

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")


@pytest.mark.parametrize("enforce", [False, True], ids=["alert", "enforce"])
def test_the_hardening_is_rated_ok(tmp_path: Path, enforce: bool) -> None:
    unit = shutil.copy(UNIT, tmp_path)
    if enforce:
        drop_in = tmp_path / f"{UNIT.name}.d"
        drop_in.mkdir()
        shutil.copy(PACKAGING / "workbench-sensor-enforce.conf", drop_in / "enforce.conf")
    told = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=49", unit],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    assert re.search(r"exposure level for .*: \d\.\d OK", told.stdout)
    assert ("Service has administrator privileges" in told.stdout) == enforce
    assert not re.search(r"Unknown|Failed to parse|Invalid", told.stderr)
