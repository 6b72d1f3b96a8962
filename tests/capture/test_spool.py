"""What was spooled reads back, whatever happens to the recorder."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.assemble import recover
from capture.spool import Spool, new_place, read_events, read_session, remove, sweep
from workbench.dataset.session import Session
from workbench.errors import RecordingError
from workbench.event import Value


def event(number: int) -> dict[str, Value]:
    return {
        "@timestamp": number,
        "event.category": "process",
        "event.action": "exec",
        "event.sequence": number,
    }


def spooled(path: Path, batches: int = 3) -> list[dict[str, Value]]:
    spool = Spool(path, Session(id="s", command=["true"], started=1))
    events = [event(number) for number in range(batches)]
    for each in events:
        spool.append([each])
    spool.close()
    return events


def test_events_come_back_in_order(tmp_path: Path) -> None:
    events = spooled(tmp_path / "a.spool")
    assert list(read_events(tmp_path / "a.spool")) == events
    assert read_session(tmp_path / "a.spool").command == ["true"]
    assert (tmp_path / "a.spool").stat().st_mode & 0o777 == 0o600


@given(cut=st.integers(min_value=1, max_value=60), damage=st.integers(min_value=0, max_value=255))
def test_a_torn_end_costs_only_what_was_torn(
    tmp_path_factory: pytest.TempPathFactory, cut: int, damage: int
) -> None:
    path = tmp_path_factory.mktemp("torn") / "a.spool"
    events = spooled(path)
    os.truncate(path, path.stat().st_size - cut)
    with path.open("ab") as file:
        file.write(bytes([damage]))
    kept = list(read_events(path))
    assert kept == events[: len(kept)]
    assert len(kept) >= 1


def test_something_else_is_no_spool(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\xff" * 100)
    with pytest.raises(RecordingError, match="not a spool"):
        read_session(tmp_path / "x")


def test_a_spool_becomes_a_recording_that_says_so(tmp_path: Path) -> None:
    spooled(tmp_path / "a.spool")
    recording = recover(tmp_path / "a.spool", tmp_path / "r")
    assert [e["event.action"] for e in recording.events()].count("exec") == 3
    assert "recovered" in recording.session.notes[0]


def test_only_the_spools_of_dead_recorders_are_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    mine = new_place()
    spooled(mine)
    dead = tmp_path / f"recording-{2**22 + 5}.x"
    dead.mkdir()
    spooled(dead / "events.spool")
    other = tmp_path / "recording-of.mine"
    other.mkdir()
    sweep()
    assert set(tmp_path.iterdir()) == {mine.parent, other}
    remove(mine)
    assert set(tmp_path.iterdir()) == {other}
