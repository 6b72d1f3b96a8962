"""Bad input to any command is one clear line and exit 2, never a traceback."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.cli import run

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    tmp_path = tmp_path_factory.mktemp("files")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
        patch.chdir(tmp_path)
        _furnish(tmp_path)
        yield tmp_path


def _furnish(tmp_path: Path) -> None:
    assert run(["pack", "keygen", "--out", "k"]) == 0
    assert run(["pack", "keygen", "--out", "other", "--no-trust"]) == 0
    assert run(["pack", "build", str(ROOT / "rules"), "--out", "good.pack", "--key", "k"]) == 0
    content = bytearray(Path("good.pack").read_bytes())
    content[len(content) // 2] ^= 1
    Path("flipped.pack").write_bytes(content)
    Path("cut.pack").write_bytes(content[:100])
    Path("broken.yml").write_text("title: x\nlogsource:\n  category: process_creation\ndetection: [\n")
    Path("odd.yml").write_text(
        "title: Odd\nid: 5d1c2f8e-7f0d-4f5c-9f0a-3a1b2c3d4e5f\nlogsource:\n  category: process_creation\n"
        "detection:\n  a:\n    Imgae: x\n  condition: a\n"
    )
    Path("bad.jsonl").write_text('{"@timestamp": 1}\n')
    shutil.copytree(ROOT / "datasets/quickstart/recordings/run-02", tmp_path / "cut" / "run")
    events = tmp_path / "cut" / "run" / "events.parquet"
    events.write_bytes(events.read_bytes()[:-99])


MISUSES = {
    "a missing recording": (["dataset", "info", "nowhere"], "nowhere"),
    "a truncated recording": (["dataset", "info", "cut"], "events.parquet: not readable as Parquet"),
    "events from a missing file": (["score", "good.pack", "nowhere.jsonl"], "nowhere.jsonl: no such file"),
    "events that are none": (["score", "good.pack", "bad.jsonl"], "bad.jsonl:1: not an event"),
    "truncated Parquet": (["score", "good.pack", "cut/run"], "not readable as Parquet"),
    "a missing pack": (["score", "nowhere.pack", "bad.jsonl"], "nowhere.pack: cannot be read"),
    "a flipped byte": (["pack", "verify", "flipped.pack"], "flipped.pack"),
    "a cut pack": (["pack", "verify", "cut.pack"], "cut.pack: cut short"),
    "another's key": (["pack", "verify", "good.pack", "--trust", "other.pub"], "signed by an unknown key"),
    "a key that is none": (
        ["pack", "build", str(ROOT / "rules"), "--out", "x.pack", "--key", "k.pub"],
        "k.pub: is not an unencrypted PEM private key",
    ),
    "a malformed rule": (["backtest", "broken.yml", str(ROOT / "datasets/quickstart")], "broken.yml:"),
    "missing rules": (["backtest", "nowhere", str(ROOT / "datasets/quickstart")], "nowhere: no such file"),
    "a baseline that is none": (
        ["backtest", str(ROOT / "rules"), str(ROOT / "datasets/quickstart"), "--baseline", "bad.jsonl"],
        "bad.jsonl: not a baseline",
    ),
    "a missing dataset to learn from": (["baseline", "fit", "nowhere", "--out", "b.json"], "nowhere"),
    "a missing notebook": (["notebook", "run", "nowhere.ipynb", "--out", "o"], "nowhere.ipynb: no such"),
    "an unknown scenario": (["scenario", "run", "nothing", "--out", "o"], "nothing"),
    "an unknown source": (["record", "--source", "guess", "--out", "o", "--", "true"], "guess"),
    "an unknown command": (["recrod"], "No such command 'recrod'"),
    "no arguments": (["score"], "Missing argument 'PACK'"),
    "a number that is none": (
        ["audit", "prune", "log", "--keep-days", "x"],
        "Invalid value for '--keep-days'",
    ),
    "a log without a name": (["audit", "verify", ""], "no such log"),
    "bytes for a notebook": (["notebook", "run", "good.pack", "--out", "o"], "good.pack: not a notebook"),
    "bytes for a plan": (["scenario", "campaign", "good.pack", "--out", "o"], "good.pack: not a plan"),
    "an output that cannot be": (
        ["backtest", str(ROOT / "rules/drift"), str(ROOT / "datasets/quickstart"), "--json", "/proc/x"],
        "/proc/x: cannot be written",
    ),
    "an output that is a directory": (
        ["baseline", "fit", str(ROOT / "datasets/quickstart"), "--out", "/"],
        "cannot be written",
    ),
    "a name that commands the terminal": (["score", "\x1b]0;pwn\x07", "-"], "\\x1b]0;pwn\\x07"),
    "a name of two lines": (["score", "x\nworkbench: done", "-"], "x\\nworkbench: done: cannot be read"),
    "a pack without end": (["score", "/dev/zero", "-"], "larger than"),
    "an output where nothing can be": (["record", "--out", "/proc/x/y", "--", "true"], "/proc/x: No such"),
    "a full disk": (["dataset", "info", str(ROOT / "datasets/quickstart")], "No space left"),
}


@pytest.mark.parametrize("name", MISUSES)
def test_misuse_is_one_clear_line(name: str, files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, told = MISUSES[name]
    if name == "a full disk":
        program = str(Path(sys.executable).with_name("workbench"))
        with Path("/dev/full").open("w") as full:
            ended = subprocess.run(
                [program, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False
            )
        status, said = ended.returncode, ended.stderr
    else:
        capsys.readouterr()
        status, said = run(arguments), capsys.readouterr().err
    assert status == 2
    assert "\x1b" not in said
    assert said.startswith("workbench: ")
    assert told in said
    assert "Traceback" not in said


def test_lint_lists_every_fault_of_every_file(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(["lint", "broken.yml", "odd.yml"]) == 1
    said = "".join(capsys.readouterr())
    assert "broken.yml:" in said
    assert "no source fills the field 'Imgae'" in said


def test_names_in_a_recording_are_neither_markup_nor_orders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = tmp_path / "x[bold]y"
    shutil.copytree(ROOT / "datasets/quickstart/recordings/run-02", directory)
    session = directory / "session.json"
    hostile = r"[red]x[/red][/nope]\u001b]0;pwn"
    session.write_text(session.read_text().replace("mini-swe-agent", hostile))
    assert run(["dataset", "info", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "x[bold]y" in shown


def test_a_home_that_takes_no_key_is_told_with_what_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "/proc")
    assert run(["pack", "keygen", "--out", str(tmp_path / "k")]) == 2
    assert "the key is made, but not trusted: No such file or directory" in capsys.readouterr().err
    assert (tmp_path / "k.pub").is_file()


def test_ctrl_c_is_heeded_while_the_verbs_load() -> None:
    code = "import sys, workbench.cli; assert not {'typer', 'rich'} & {*sys.modules}"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def test_a_reader_that_leaves_early_is_no_failure(files: Path) -> None:
    program = str(Path(sys.executable).with_name("workbench"))
    code = f"{program} scenario list --format json | head -c 1 >/dev/null; exit ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")
