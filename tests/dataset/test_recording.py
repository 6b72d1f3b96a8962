"""A recording reads back what was written, all or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.dataset.recording import Recording, write_recording
from workbench.dataset.session import Label, Loss, Session
from workbench.errors import RecordingError
from workbench.event import Value

EVENTS: list[dict[str, Value]] = [
    {
        "@timestamp": 20,
        "event.id": "b",
        "event.sequence": 2,
        "event.category": "file",
        "event.action": "open",
    },
    {
        "@timestamp": 10,
        "event.id": "a",
        "event.sequence": 1,
        "event.category": "process",
        "event.action": "exec",
        "process.args": ["ls", ""],
        "process.pid": 7,
    },
]
LABELS = [Label(event_id="b", label="malicious", scenario="s", step="read", techniques=["T1552.001"])]


def test_it_reads_back_in_event_order(tmp_path: Path) -> None:
    session = Session(id="s1", loss=Loss(dropped=3, not_visible={"io_uring": 1}))
    recording = write_recording(tmp_path / "r", EVENTS, session, LABELS)
    assert list(recording.events()) == sorted(EVENTS, key=lambda event: event["@timestamp"])
    assert recording.labels() == LABELS
    assert recording.session == session
    assert recording.malicious


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    write_recording(tmp_path / "r", EVENTS, Session(id="s1"))
    with pytest.raises(RecordingError, match="already exists"):
        write_recording(tmp_path / "r", [], Session(id="s2"))
    assert Recording.open(tmp_path / "r").session.id == "s1"


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    def failing() -> object:
        yield EVENTS[0]
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk is full"):
        write_recording(tmp_path / "r", failing(), Session(id="s1"))
    assert list(tmp_path.iterdir()) == []


def test_a_cut_file_is_named(tmp_path: Path) -> None:
    recording = write_recording(tmp_path / "r", EVENTS, Session(id="s1"))
    file = recording.path / "events.parquet"
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(RecordingError, match=r"events\.parquet: not readable as Parquet"):
        list(recording.events())


def test_a_missing_recording_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"nowhere/events\.parquet: not a recording"):
        Recording.open(tmp_path / "nowhere")
