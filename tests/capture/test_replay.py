"""A recording played again gives the same events, at its own pace when asked to."""

from __future__ import annotations

import time
from pathlib import Path

from capture.recorder import Recorder
from capture.replay import ReplaySource
from workbench.dataset.recording import write_recording
from workbench.dataset.session import Loss, Session
from workbench.event import Value


def recording(path: Path) -> list[dict[str, Value]]:
    events: list[dict[str, Value]] = [
        {
            "@timestamp": 10**18 + n * 100_000_000,
            "event.category": "process",
            "event.action": "fork",
            "event.sequence": n,
        }
        for n in range(3)
    ]
    write_recording(path, events, Session(id="s", loss=Loss(dropped=4), cannot_see=["x"]))
    return events


def test_all_events_come_again_at_once(tmp_path: Path) -> None:
    events = recording(tmp_path / "r")
    source = ReplaySource(path=tmp_path / "r")
    source.start(0)
    assert source.poll(1) == events
    assert source.ended
    assert source.poll(0) == []
    assert source.stop().dropped == 4
    assert source.cannot_see == ("x",)


def test_the_pace_is_kept_when_asked_for(tmp_path: Path) -> None:
    events = recording(tmp_path / "r")
    source = ReplaySource(path=tmp_path / "r", speed=2)
    begun = time.monotonic()
    source.start(0)
    seen: list[dict[str, Value]] = []
    while not source.ended:
        seen += source.poll(0.5)
    assert seen == events
    assert time.monotonic() - begun >= 0.09


def test_what_a_source_does_not_redact_is_redacted_before_it_is_written(tmp_path: Path) -> None:
    secret = "AKIAIOSFODNN7EXAMPLQ"
    event: dict[str, Value] = {"@timestamp": 10**18, "event.category": "process", "event.action": "exec"}
    args = ["aws", "configure", "set", "aws_access_key_id", secret]
    told = event | {"process.args": args, "process.command_line": " ".join(args)}
    write_recording(tmp_path / "strange", [told], Session(id="s"))
    recorder = Recorder(ReplaySource(path=tmp_path / "strange"), spool=tmp_path / "spool")
    assert recorder.run(["/bin/true"]) == 0
    assert secret.encode() not in (tmp_path / "spool").read_bytes()
    (again,) = [e for e in recorder.finish(tmp_path / "r").events() if e["event.action"] == "exec"]
    assert again["process.args"] == [*args[:-1], "[redacted:aws_access_key]"]
