"""What README and docs show works: every command is run, every snippet executed, every link followed."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from capture.source import why_not
from workbench import cli

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
LINKED = (
    "datasets",
    "rules",
    "notebooks",
    "examples",
    "tests",
    "benchmarks",
    "docs",
    "capture",
    "workbench",
)
NAMES = [page.name for page in PAGES]
# Tracing the kernel is not possible everywhere.
LIVE = re.compile(r"workbench (record|scenario run|sensor run|demo)")
Parse = Callable[..., None]
SHELL = re.compile(r"[|<>;&]")
# Telling two things apart is what these are for: they exit 1 when there is something to tell.
TELLS = re.compile(r"workbench (pack diff|dataset diff|compare|tune|gate) ")


_LINE_BEFORE = re.compile(r"([^\n]*)\n\s*\Z")
_NAMED = re.compile(r"`([^`\s]+)`:$")


@dataclass(frozen=True)
class Fence:
    """A block of a page: `file` is where the prose says to save it, `parsed_only` why it is not run."""

    page: Path
    line: int
    language: str
    text: str
    file: str
    parsed_only: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"

    def commands(self) -> Iterator[str]:
        """Give the shell lines of the block."""
        for line in self.text.replace("\\\n", " ").splitlines():
            if command := line.removeprefix("$ ").strip():
                yield command


def fences(page: Path) -> list[Fence]:
    """Give the fences of a page in their order."""
    found, text = [], page.read_text()
    for match in re.finditer(r"^```(\S*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        before = _LINE_BEFORE.search(text[: match.start()])
        said = before[1].strip() if before else ""
        only = re.fullmatch(r"<!-- parsed only: (.+) -->", said)
        named = _NAMED.search(said)
        line = text.count("\n", 0, match.start()) + 1
        found.append(
            Fence(page, line, match[1], match[2], named[1] if named else "", only[1] if only else "")
        )
    return found


def spans(page: Path) -> list[str]:
    """Give the commands that the prose of a page shows as code."""
    prose = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"`(workbench [^`\n]+)`", prose)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in LINKED:
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "build").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_the_page_works_from_top_to_bottom(
    page: Path, checkout: Path, capfd: pytest.CaptureFixture[str], parse: Parse
) -> None:
    names: dict[str, object] = {}
    unseen = page.stem.endswith("-live") and why_not("bcc")  # what follows a recording needs it
    for fence in fences(page):
        if fence.file:
            file = checkout / fence.file
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(fence.text)
        if fence.parsed_only or unseen:
            for command in fence.commands():
                parse(command)
        elif fence.language in ("sh", "console"):
            for command in fence.commands():
                status = run(command, parse)
                said = "".join(capfd.readouterr())
                assert status in ((0, 1) if TELLS.match(command) else (0,)), (
                    f"{fence}: {command}\n{status}\n{said}"
                )
                assert "Traceback" not in said, f"{fence}: {command}\n{said}"
        elif fence.language == "python":
            exec(compile(fence.text, str(fence), "exec"), names)
        else:
            is_well_formed(fence)


def run(command: str, parse: Parse) -> int:
    """Run a line: in this process when it is a plain command of ours, else in a shell."""
    words = shlex.split(command, comments=True)
    if words[0] == "make":
        return subprocess.run(["make", "-n", "-C", str(ROOT), *words[1:]], check=False).returncode
    if LIVE.match(command):
        if why_not("bcc"):
            parse(command)
            return 0
    elif words[0] == "workbench" and not SHELL.search(command.partition(" #")[0]):
        return cli.run(words[1:])
    return subprocess.run(["bash", "-o", "pipefail", "-c", command], timeout=240, check=False).returncode


def is_well_formed(fence: Fence) -> None:
    """Read what stands in a fence of data."""
    if fence.language == "json":
        json.loads(fence.text)
    elif fence.language == "yaml":
        yaml.safe_load(fence.text)
    elif fence.language == "toml":
        tomllib.loads(fence.text)
    else:
        assert not re.search(r"^(\$ )?workbench ", fence.text, re.MULTILINE), f"{fence}: is not run"


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_no_command_of_the_page_is_read_past(page: Path) -> None:
    shown = re.findall(r"^\s*(?:\$ )?(workbench [a-z].*)", page.read_text(), re.MULTILINE)
    assert len(shown) == sum(
        line.startswith("workbench ") for fence in fences(page) for line in fence.commands()
    )


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_commands_in_prose_exist(page: Path, parse: Parse) -> None:
    for shown in spans(page):
        parse(shown, whole=False)


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_within_the_project_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?://|#|mailto:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"
