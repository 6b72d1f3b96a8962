"""One recording: a directory of `events.parquet`, `session.json` and `labels.parquet`."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.dataset.schema import EVENTS, LABELS
from workbench.dataset.session import Label, Session
from workbench.errors import RecordingError
from workbench.event import TIMESTAMPS, Event, Value, order
from workbench.fields import ACTIONS

_BATCH = 8_192
_AGAIN = "the file was not written by the workbench: record or import it again"
_SAME_KIND = (
    lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind),
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_boolean,
    pa.types.is_timestamp,
    lambda kind: pa.types.is_list(kind) or pa.types.is_large_list(kind),
)
# Times and counters differ from row to row: their differences compress, their values do not.
_DELTAS = tuple(field.name for field in EVENTS if field.type in (pa.int64(), pa.timestamp("ns", tz="UTC")))
_PREFIXES = ("event.id",)
_ENCODINGS = dict.fromkeys(_DELTAS, "DELTA_BINARY_PACKED") | dict.fromkeys(_PREFIXES, "DELTA_BYTE_ARRAY")


def _layout(schema: pa.Schema) -> dict[str, Any]:
    """Give how to write Parquet small: a recording is read whole, so what helps to skip parts only costs."""
    encodings = {name: encoding for name, encoding in _ENCODINGS.items() if name in schema.names}
    dictionaries = [
        f"{field.name}.list.element" if pa.types.is_list(field.type) else field.name
        for field in schema
        if field.name not in encodings
    ]
    return {
        "compression": "zstd",
        "compression_level": 19,
        "use_dictionary": dictionaries,
        "column_encoding": encodings,
        "write_statistics": False,
        "store_schema": False,
    }


@dataclass(frozen=True)
class Recording:
    """A recording on disk; reading is lazy, and every fault is a RecordingError naming the file."""

    path: Path

    @classmethod
    def open(cls, path: Path | str) -> Recording:
        """Open the directory `path`; raises RecordingError when it is not a recording."""
        directory = Path(path)
        for name in ("events.parquet", "session.json"):
            if not (directory / name).is_file():
                raise RecordingError(
                    "not a recording: missing",
                    place=directory / name,
                    mend="give the directory that `workbench record --out` wrote",
                )
        return cls(directory)

    @cached_property
    def session(self) -> Session:
        """The metadata of the run."""
        file = self.path / "session.json"
        try:
            return msgspec.json.decode(file.read_bytes(), type=Session)
        except (OSError, ValueError, RecursionError) as error:
            raise RecordingError(f"cannot be read: {error}", place=file, mend="record it again") from None

    def events(self) -> Iterator[dict[str, Value]]:
        """Give the events in order of (`@timestamp`, `event.sequence`)."""
        return iter(sorted(read_events(self.path / "events.parquet"), key=order))

    def labels(self) -> list[Label]:
        """Give the labels, none when the recording has not been labelled."""
        file = self.path / "labels.parquet"
        if not file.is_file():
            return []
        rows = _read_table(file).to_pylist()
        try:
            return [
                Label(
                    event_id=row["event.id"],
                    label=row["label"],
                    scenario=row.get("scenario") or "",
                    step=row.get("step") or "",
                    techniques=row.get("techniques") or [],
                    labelled_by=row["labelled_by"],
                )
                for row in rows
            ]
        except KeyError as error:
            raise RecordingError(f"column {error} is missing", place=file, mend="label it again") from None

    @property
    def malicious(self) -> bool:
        """Whether any event is labelled malicious."""
        return any(label.label == "malicious" for label in self.labels())


def _read_table(file: Path) -> pa.Table:
    try:
        return pq.read_table(file, memory_map=False)
    except (OSError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0]
        raise RecordingError(
            f"not readable as Parquet: {reason}",
            place=file,
            mend="the file is cut or damaged: record or copy it again",
        ) from None


def read_events(file: Path) -> list[dict[str, Value]]:
    """Read an `events.parquet`; absent values are left out, times are integers."""
    table = _read_table(file)
    events: list[dict[str, Value]] = [{} for _ in range(table.num_rows)]
    for field in EVENTS:
        if field.name in table.column_names:
            for event, value in zip(events, _values(file, table, field), strict=True):
                if value is not None:
                    event[field.name] = value
    for number, event in enumerate(events):
        if event.get("event.action") not in ACTIONS.get(str(event.get("event.category")), ()):
            raise RecordingError(f"row {number}: no known category and action", place=file, mend=_AGAIN)
        if "@timestamp" not in event:
            raise RecordingError(f"row {number}: @timestamp is missing", place=file, mend=_AGAIN)
    return events


def _values(file: Path, table: pa.Table, field: pa.Field) -> list[Any]:
    """Give a column as the schema wants it, times as integers; raises RecordingError for another type."""
    column = table.column(field.name)
    try:
        if not any(same(column.type) and same(field.type) for same in _SAME_KIND):
            raise pa.ArrowTypeError(f"is {column.type}, not {field.type}")
        column = column.cast(field.type)
        values: list[Any] = (column.cast(pa.int64()) if field.name in TIMESTAMPS else column).to_pylist()
    except (pa.ArrowException, UnicodeDecodeError, OverflowError) as error:
        reason = str(error).splitlines()[0]
        raise RecordingError(f"column {field.name} {reason}", place=file, mend=_AGAIN) from None
    return values


@contextmanager
def _aside(directory: Path) -> Iterator[Path]:
    """Write into a directory beside `directory`, moved into place only when all went well."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    if directory.exists() and any(directory.iterdir()):
        raise RecordingError("already exists and is not empty", place=directory, mend="choose another --out")
    scratch = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
    try:
        yield scratch
        for file in scratch.iterdir():
            with file.open("rb") as handle:
                os.fsync(handle.fileno())
        scratch.chmod(0o755)
        if directory.exists():
            directory.rmdir()
        scratch.rename(directory)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def write_events(file: Path, events: Iterable[Event]) -> int:
    """Write events as Parquet (zstd), a batch at a time; gives how many."""
    count = 0
    with pq.ParquetWriter(file, EVENTS, **_layout(EVENTS)) as writer:
        batch: list[dict[str, Any]] = []
        for event in events:
            batch.append(dict(event))
            count += 1
            if len(batch) == _BATCH:
                writer.write_table(pa.Table.from_pylist(batch, schema=EVENTS))
                batch.clear()
        writer.write_table(pa.Table.from_pylist(batch, schema=EVENTS))
    return count


def write_recording(
    path: Path | str, events: Iterable[Event], session: Session, labels: Iterable[Label] = ()
) -> Recording:
    """Write a whole recording at once, all or nothing; raises RecordingError when `path` is taken."""
    directory = Path(path)
    with _aside(directory) as scratch:
        write_events(scratch / "events.parquet", events)
        write_labels(scratch / "labels.parquet", labels)
        text = msgspec.json.format(msgspec.json.encode(session), indent=2)
        (scratch / "session.json").write_bytes(text + b"\n")
    return Recording.open(directory)


def write_labels(file: Path, labels: Iterable[Label]) -> None:
    """Write labels as Parquet (zstd)."""
    rows = [
        {
            "event.id": label.event_id,
            "label": label.label,
            "scenario": label.scenario or None,
            "step": label.step or None,
            "techniques": label.techniques,
            "labelled_by": label.labelled_by,
        }
        for label in labels
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema=LABELS), file, **_layout(LABELS))
