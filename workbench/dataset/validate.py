"""Prove a dataset: every fault of files, card, splits and labels, or none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.dataset.card import Card, with_counts
from workbench.dataset.croissant import croissant
from workbench.dataset.dataset import CARD, CROISSANT, Dataset, digest
from workbench.dataset.label_faults import LOOKED_AT, label_faults
from workbench.dataset.parquet import type_fault
from workbench.dataset.recording import Recording
from workbench.dataset.release import counted
from workbench.dataset.schema import EVENTS, LABELS
from workbench.errors import RecordingError
from workbench.files import read_bounded

_COPY = "copy the dataset again"
_RELEASE = "run `workbench dataset release`"
_NO_ID = ("the session has no id", "record it again")


def validate(dataset: Dataset, *, every: int = 1) -> list[str]:
    """Give every fault, each as one line with its mend; an empty list proves the dataset.

    Digests and files against the manifest; tables against the schema; labels against events and the process
    tree; twins free of malicious events; splits apart by session and family; card and Croissant against the
    data. A plain directory of recordings is checked for what it has. With `every` above 1 the tables of only
    one recording in so many are read; the digests of all are.
    """
    faults = list(_file_faults(dataset))
    readable = []
    for number, directory in enumerate(dataset.directories()):
        found, recording = _recording_faults(directory, whole=number % every == 0)
        faults.extend(found)
        if recording is not None:
            readable.append(recording)
    faults.extend(_split_faults(dataset, readable))
    if dataset.manifest.recordings:
        faults.extend(_card_faults(dataset, whole=len(readable) == len(dataset.manifest.recordings)))
    return faults


def _file_faults(dataset: Dataset) -> Iterator[str]:
    root, manifest = dataset.path, dataset.manifest
    listed = {root / name: expected for name, expected in manifest.files.items()}
    for name, entry in manifest.recordings.items():
        listed |= {root / "recordings" / name / file: expected for file, expected in entry.files.items()}
    for file, expected in listed.items():
        if file.is_symlink() or not file.is_file():
            yield _fault(file, "missing", _COPY)
        elif digest(file) != expected:
            yield _fault(file, "differs from the manifest", "release a new version instead")
    if manifest.recordings:
        for file in sorted((root / "recordings").glob("*/*")):
            if file not in listed:
                yield _fault(file, "is not in the manifest", _RELEASE)


def _recording_faults(directory: Path, *, whole: bool) -> tuple[list[str], Recording | None]:
    try:
        recording = Recording.open(directory)
        if not whole:
            return [] if recording.session.id else [_fault(directory, *_NO_ID)], recording
        events, labels = list(recording.events(LOOKED_AT)), recording.labels()
        session = recording.session
    except RecordingError as error:
        return [str(error)], None
    faults = list(_schema_faults(directory))
    ids = [str(event.get("event.id", "")) for event in events]
    if len(set(ids)) != len(ids) or "" in ids:
        faults.append(_fault(directory, "event ids are missing or repeat", "record it again"))
    if not session.id:
        faults.append(_fault(directory, *_NO_ID))
    faults.extend(_fault(directory, *found) for found in label_faults(events, labels, session))
    return faults, recording


def _schema_faults(directory: Path) -> Iterator[str]:
    for name, schema in (("events", EVENTS), ("labels", LABELS)):
        file = directory / f"{name}.parquet"
        if not file.is_file():
            continue
        for field in pq.read_schema(file):
            if field.name not in schema.names:
                yield _fault(file, f"column {field.name!r} is not in the schema", "record it again")
            elif fault := type_fault(field.type, schema.field(field.name).type):
                yield _fault(file, f"column {field.name} {fault}", "record it again")
            elif pa.types.is_timestamp(field.type) and field.type.tz != "UTC":
                yield _fault(file, f"column {field.name} is not in UTC", "record it again")


def _split_faults(dataset: Dataset, recordings: Sequence[Recording]) -> Iterator[str]:
    sessions: dict[str, list[str]] = defaultdict(list)
    families: dict[str, set[str]] = defaultdict(set)
    for recording in recordings:
        name = recording.path.name
        sessions[recording.session.id].append(name)
        entry = dataset.manifest.recordings.get(name)
        families[str(recording.session.settings.get("family", ""))].add(entry.split if entry else "")
    for session, names in sorted(sessions.items()):
        if len(names) > 1:
            yield _fault(
                dataset.path, f"session {session} is there as {', '.join(names)}", "leave all but one out"
            )
    splits = {entry.split for entry in dataset.manifest.recordings.values()}
    if len(splits) > 1 and "" in splits:
        yield _fault(dataset.path, "some recordings belong to no split", "run `workbench dataset split`")
    for family in dataset.manifest.test_families:
        if family not in families:
            yield _fault(dataset.path, f"no recording of the test family {family}", _RELEASE)
        elif outside := families[family] - {"test"}:
            yield _fault(
                dataset.path,
                f"family {family} is kept for test but also in {', '.join(sorted(outside))}",
                "run `workbench dataset split`",
            )


def _card_faults(dataset: Dataset, *, whole: bool) -> Iterator[str]:
    card, described = dataset.path / CARD, dataset.path / CROISSANT
    try:
        text = read_bounded(card).decode()
        parts = Card.read(text)
        for pattern in parts.files:
            if not any(dataset.path.glob(pattern)):
                yield _fault(card, f"{pattern} names no file", "mend the configs of its front matter")
        if whole and with_counts(text, dataset.manifest, counted(dataset)) != text:
            yield _fault(card, "its figures are not those of the data", _RELEASE)
        if read_bounded(described) != croissant(dataset, parts.front, parts.description):
            yield _fault(described, "does not describe this dataset", _RELEASE)
    except OSError as error:
        yield _fault(dataset.path, f"{error.filename or card}: {error.strerror or error}", _RELEASE)
    except (ValueError, NotImplementedError, msgspec.ValidationError) as error:
        yield _fault(card, f"not a card: {error}", "see another dataset's")


def _fault(place: Path, cause: str, mend: str) -> str:
    return str(RecordingError(cause, place=place, mend=mend))
