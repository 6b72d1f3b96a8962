"""The verbs of capture, as a person calls them."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from capture.doctor import Check
from capture.source import open_source, why_not
from workbench.cli import run
from workbench.dataset.recording import Recording
from workbench.errors import CaptureError

FIXTURES = Path(__file__).parent / "formats"


@pytest.mark.live
def test_record_keeps_the_command_s_exit_status(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["record", "--out", str(tmp_path / "r"), "--agent", "me", "--", "sh", "-c", "exit 3"]) == 0
    session = Recording.open(tmp_path / "r").session
    assert (session.exit_code, session.agent, session.source) == (3, "me", "bcc")
    assert "0 lost, the command ended with 3" in capfd.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r"]


@pytest.mark.live
def test_a_command_that_cannot_run_is_misuse_and_leaves_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["record", "--out", str(tmp_path / "r"), "--", "no-such-command"]) == 2
    told = "workbench: no-such-command: No such file or directory (mend: name a program that can be run)\n"
    assert capfd.readouterr().err == told
    assert not list(tmp_path.iterdir())


def test_a_place_that_is_taken_is_refused_before_anything_runs(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "kept").touch()
    assert run(["record", "--out", str(tmp_path / "r"), "--", "touch", str(tmp_path / "ran")]) == 2
    assert "choose another --out" in capfd.readouterr().err
    assert not (tmp_path / "ran").exists()


def test_an_unknown_source_or_setting_is_one_line() -> None:
    with pytest.raises(CaptureError, match="no source 'nope'"):
        open_source("nope")
    with pytest.raises(CaptureError, match="ring_gb"):
        open_source("bcc", ring_gb=1)


def test_import_counts_what_it_does_not_understand(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    status = run(["import", "eslogger", str(FIXTURES / "eslogger.jsonl"), "--out", str(tmp_path / "r")])
    assert status == 0
    assert "unknown_xp_malware_detected: 1" in capfd.readouterr().err
    assert Recording.open(tmp_path / "r").session.loss.dropped == 3


def test_import_names_a_missing_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["import", "auditd", str(tmp_path / "none"), "--out", str(tmp_path / "r")]) == 2
    assert "none: cannot be read" in capfd.readouterr().err


def test_import_names_a_missing_spool(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["import", "spool", str(tmp_path / "none"), "--out", str(tmp_path / "r")]) == 2
    assert "none: cannot be read" in capfd.readouterr().err


def test_import_tells_all_formats(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["import", "nope", str(tmp_path / "none"), "--out", str(tmp_path / "r")]) == 2
    told = capfd.readouterr().err
    missing = [f for f in ("auditd", "eslogger", "tetragon", "spool", "codex", "mcp") if f not in told]
    assert missing == []


def test_import_sums_up_many_faults(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x").write_text("nonsense\n" * 50)
    for name in ("auditd", "eslogger"):
        assert run(["import", name, str(tmp_path / "x"), "--out", str(tmp_path / "r")]) == 2
        told = capfd.readouterr().err
        assert "x:3" in told
        assert "x:4" not in told
        assert "and 47 more" in told


def test_doctor_tells_by_trying(capfd: pytest.CaptureFixture[str]) -> None:
    status = run(["doctor", "--format", "json"])
    checks = msgspec.json.decode(capfd.readouterr().out, type=list[Check])
    assert {check.name for check in checks} >= {"bcc", "strace", "landlock", "network-namespace"}
    assert all(check.works or (check.reason and check.cost) for check in checks)
    works = {check.name for check in checks if check.works}
    assert ("bcc" in works) == (why_not("bcc") is None)
    assert status == (0 if works & {"bcc", "strace"} else 1)
