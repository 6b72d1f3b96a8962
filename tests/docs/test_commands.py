"""Every command that README and docs show is run, in their order, in a scratch copy of the checkout."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from capture.source import why_not

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(?:sh|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINKED = ("datasets", "rules", "notebooks", "examples", "tests", "benchmarks", "docs")
# Commands that trace the kernel or take over a terminal cannot run everywhere; they are run where they can.
LIVE = re.compile(r"workbench (record|scenario run|sensor|demo)")
UNENDING = re.compile(r"workbench (lab|notebook serve)")


def commands(page: Path) -> list[str]:
    lines = [line for block in BLOCK.findall(page.read_text()) for line in joined(block)]
    return [
        line.removeprefix("$ ") for line in lines if line.removeprefix("$ ").startswith(("workbench", "make"))
    ]


def joined(block: str) -> Iterator[str]:
    yield from block.replace("\\\n", " ").splitlines()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    scratch = tmp_path / "checkout"
    scratch.mkdir()
    for name in LINKED:
        if (ROOT / name).exists():
            (scratch / name).symlink_to(ROOT / name)
    (scratch / "Makefile").symlink_to(ROOT / "Makefile")
    return scratch


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=lambda page: page.name)
def test_commands_of_the_page_work(page: Path, checkout: Path, tmp_path: Path) -> None:
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }
    for line in commands(page):
        if UNENDING.match(line) or (LIVE.match(line) and why_not("bcc")):
            continue
        words = shlex.split(line, comments=True)
        if words[0] == "make":
            words = ["make", "-n", "-C", str(ROOT), *words[1:]]
        shell = any(word in ("|", ">", "&&", ";") or word.startswith(">") for word in words)
        run = subprocess.run(
            ["bash", "-o", "pipefail", "-c", line] if shell and words[0] != "make" else words,
            cwd=checkout,
            env=environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        said = run.stdout + run.stderr
        # Finding something is what some commands are for: they exit 1.
        assert run.returncode in (0, 1), f"{page.name}: {line}\nexit {run.returncode}\n{said}"
        assert "Traceback" not in said, f"{page.name}: {line}\n{said}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_within_the_project_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?://|#|mailto:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"
