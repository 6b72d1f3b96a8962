"""A recording reads back what was written, all or nothing."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
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


@pytest.mark.parametrize(
    ("column", "told"),
    [
        (("@timestamp", pa.array(["now", "then"])), "column @timestamp is string"),
        (("process.executable", pa.array([["a"], ["b"]])), "column process.executable is list"),
        (("process.pid", pa.array(["1", "2"])), "column process.pid is string"),
        (("event.category", pa.array([{"a": 1}, {"a": 2}])), "column event.category is struct"),
        (("event.action", pa.array([None, "exec"])), "row 0: no known category and action"),
        (("@timestamp", pa.array([None, 5], pa.timestamp("ns", tz="UTC"))), "row 0: @timestamp is missing"),
    ],
)
def test_a_column_of_another_type_is_named(column: tuple[str, pa.Array], told: str, tmp_path: Path) -> None:
    recording = write_recording(tmp_path / "r", EVENTS, Session(id="s1"))
    file = recording.path / "events.parquet"
    table = pq.read_table(file)
    index = table.column_names.index(column[0])
    pq.write_table(table.set_column(index, column[0], column[1]), file)
    with pytest.raises(RecordingError, match=r"events\.parquet: ") as caught:
        list(recording.events())
    assert told in str(caught.value)


@pytest.mark.parametrize("text", [b'{"id": "\xff"}', b"[" * 100_000, b'{"id": 7}', b""])
def test_a_session_that_is_none_is_named(text: bytes, tmp_path: Path) -> None:
    recording = write_recording(tmp_path / "r", EVENTS, Session(id="s1"))
    (recording.path / "session.json").write_bytes(text)
    with pytest.raises(RecordingError, match=r"session\.json: cannot be read"):
        Recording.open(recording.path)
