"""Tables on disk: how Parquet is written small, and read without trusting what it claims."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from workbench.dataset.schema import EVENTS, LABELS
from workbench.dataset.session import Label
from workbench.errors import RecordingError
from workbench.event import TIMESTAMPS, Event, Value
from workbench.fields import ACTIONS

MAX_ROWS = 5_000_000
MAX_BYTES = 1 << 30  # of all columns before compression
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


def read_table(file: Path, columns: list[str] | None = None) -> pa.Table:
    """Read a Parquet file with its strings as dictionaries, so that a repeated one is held once.

    Gives all columns, or those named. Raises RecordingError when the file is cut or damaged, or claims more
    than `MAX_ROWS` or `MAX_BYTES`.
    """
    try:
        parquet = pq.ParquetFile(file)
        told = parquet.metadata
        chunks = [
            told.row_group(group).column(column)
            for group in range(told.num_row_groups)
            for column in range(told.num_columns)
        ]
        size = sum(column.total_uncompressed_size for column in chunks)
        if told.num_rows > MAX_ROWS or size > MAX_BYTES or any(c.num_values > 8 * MAX_ROWS for c in chunks):
            raise RecordingError(
                f"holds {told.num_rows} rows of {size} bytes: more than a recording may",
                place=file,
                mend=f"cut it into recordings of at most {MAX_ROWS} events",
            )
        strings = {
            column.path_in_schema
            for column in chunks
            if column.physical_type == "BYTE_ARRAY" and "DELTA_BYTE_ARRAY" not in column.encodings
        }
        table = pq.read_table(file, columns=columns, memory_map=False, read_dictionary=sorted(strings))
        table.validate(full=True)  # damaged pages can point outside of their dictionary
        return table
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(file, error) from None


def count_rows(file: Path) -> int:
    """Give how many rows a Parquet file says it has."""
    try:
        return int(pq.read_metadata(file).num_rows)
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(file, error) from None


def _unreadable(file: Path, error: Exception) -> RecordingError:
    return RecordingError(
        f"not readable as Parquet: {str(error).splitlines()[0]}",
        place=file,
        mend="the file is cut or damaged: record or copy it again",
    )


def read_events(file: Path, names: Container[str] = EVENTS.names) -> list[dict[str, Value]]:
    """Read an `events.parquet`; absent values are left out, times are integers.

    All columns are checked, those in `names` are given, which must hold category, action and time.
    """
    table = read_table(file)
    columns: dict[str, list[Any]] = {}
    for field in EVENTS:
        if field.name not in table.column_names:
            continue
        column = _column(file, table, field)
        if field.name in names and column.null_count < len(column):
            columns[field.name] = _values(file, column, field)
    given = tuple(columns)
    events: list[dict[str, Value]] = [
        {name: value for name, value in zip(given, row, strict=True) if value is not None}
        for row in zip(*columns.values(), strict=True)
    ]
    for number, event in enumerate(events):
        if event.get("event.action") not in ACTIONS.get(str(event.get("event.category")), ()):
            raise RecordingError(f"row {number}: no known category and action", place=file, mend=_AGAIN)
        if "@timestamp" not in event:
            raise RecordingError(f"row {number}: @timestamp is missing", place=file, mend=_AGAIN)
    return events


def _column(file: Path, table: pa.Table, field: pa.Field) -> pa.ChunkedArray:
    """Give a column as the schema wants it; raises RecordingError for another type."""
    column = table.column(field.name)
    try:
        if fault := type_fault(column.type, field.type):
            raise pa.ArrowTypeError(fault)
        text = pa.types.is_string(field.type) or pa.types.is_list(field.type)
        return column if text else column.cast(field.type)
    except pa.ArrowException as error:
        raise _unfit(file, field, error) from None


def _values(file: Path, column: pa.ChunkedArray, field: pa.Field) -> list[Any]:
    """Give a column's values, times as integers; raises RecordingError for text that is none."""
    try:
        return [value for chunk in column.chunks for value in _plain(chunk, field)]
    except (pa.ArrowException, UnicodeDecodeError, OverflowError) as error:
        raise _unfit(file, field, error) from None


def _unfit(file: Path, field: pa.Field, error: Exception) -> RecordingError:
    reason = str(error).splitlines()[0]
    return RecordingError(f"column {field.name} {reason}", place=file, mend=_AGAIN)


def type_fault(found: pa.DataType, wanted: pa.DataType) -> str:
    """Say how a stored type differs in kind from the wanted one; nothing when it does not.

    >>> type_fault(pa.string(), pa.int64()), type_fault(pa.dictionary(pa.int32(), pa.string()), pa.string())
    ('is string, not int64', '')
    """
    while pa.types.is_dictionary(found):
        found = found.value_type
    if not any(same(found) and same(wanted) for same in _SAME_KIND):
        return f"is {found}, not {wanted}"
    if pa.types.is_list(wanted) and type_fault(found.value_type, wanted.value_type):
        return f"is {found}, not {wanted}"
    return ""


def _plain(chunk: pa.Array, field: pa.Field) -> list[Any]:
    if chunk.null_count == len(chunk):
        return [None] * len(chunk)
    if pa.types.is_list(chunk.type) or pa.types.is_large_list(chunk.type):
        items, bounds = _strings(chunk.values), chunk.offsets.to_pylist()
        present = chunk.is_valid().to_pylist()
        spans = zip(present, bounds, bounds[1:], strict=False)
        return [items[start:end] if there else None for there, start, end in spans]
    if pa.types.is_dictionary(chunk.type) or pa.types.is_string(field.type):
        return _strings(chunk)
    return _numbers(chunk.cast(pa.int64()) if field.name in TIMESTAMPS else chunk)


def _numbers(chunk: pa.Array) -> list[Any]:
    """Give the values, by way of NumPy, which takes a fifth of the time."""
    values = chunk.fill_null(pa.scalar(0).cast(chunk.type)).to_numpy(zero_copy_only=False).tolist()
    if not chunk.null_count:
        return values  # type: ignore[no-any-return]  # pyarrow says Any
    present = chunk.is_valid().to_numpy(zero_copy_only=False).tolist()
    return [value if there else None for value, there in zip(values, present, strict=True)]


def _strings(chunk: pa.Array) -> list[Any]:
    if not pa.types.is_dictionary(chunk.type):
        return chunk.to_pylist()  # type: ignore[no-any-return]  # pyarrow says Any
    words = [*chunk.dictionary.to_pylist(), None]
    return [words[index] for index in _numbers(chunk.indices.fill_null(len(words) - 1))]


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


def read_labels(file: Path) -> list[Label]:
    """Read a `labels.parquet`; raises RecordingError when a column is missing."""
    table = read_table(file)
    columns: dict[str, list[Any]] = {}
    for field in LABELS:
        if field.name in table.column_names:
            columns[field.name] = _values(file, _column(file, table, field), field)
        elif field.nullable:
            columns[field.name] = [None] * table.num_rows
        else:
            raise RecordingError(f"column {field.name} is missing", place=file, mend="label it again")
        if not field.nullable and None in columns[field.name]:
            cause = f"row {columns[field.name].index(None)}: {field.name} is missing"
            raise RecordingError(cause, place=file, mend="label it again")
    return [
        Label(
            event_id=event_id,
            label=label,
            scenario=scenario or "",
            step=step or "",
            techniques=techniques or [],
            labelled_by=labelled_by,
        )
        for event_id, label, scenario, step, techniques, labelled_by in zip(
            *(columns[name] for name in LABELS.names), strict=True
        )
    ]


def count_labels(file: Path) -> Counter[str]:
    """Count the labels of a `labels.parquet` by value, without looking at the events they are of."""
    table = read_table(file, ["label"])
    if "label" not in table.column_names:
        raise RecordingError("column label is missing", place=file, mend="label it again")
    column = _column(file, table, LABELS.field("label"))
    return Counter(_values(file, column, LABELS.field("label")))


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
