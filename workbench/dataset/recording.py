"""One recording: a directory of `events.parquet`, `session.json` and `labels.parquet`."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec

from workbench.dataset.parquet import count_labels, read_events, read_labels, write_events, write_labels
from workbench.dataset.schema import EVENTS
from workbench.dataset.session import Label, Session
from workbench.errors import RecordingError
from workbench.event import Event, Value, order
from workbench.files import read_bounded


@dataclass(frozen=True)
class Recording:
    """A recording on disk; reading is lazy, and every fault is a RecordingError naming the file."""

    path: Path

    @classmethod
    def open(cls, path: Path | str) -> Recording:
        """Open the directory `path`; raises RecordingError when it is not a recording, or damaged."""
        directory = Path(path)
        for name in ("events.parquet", "session.json"):
            if not (directory / name).is_file():
                raise RecordingError(
                    "not a recording: missing",
                    place=directory / name,
                    mend="give the directory that `workbench record --out` wrote",
                )
        recording = cls(directory)
        recording.session  # noqa: B018 - one that cannot be read is told now
        return recording

    @cached_property
    def session(self) -> Session:
        """The metadata of the run."""
        file = self.path / "session.json"
        try:
            return msgspec.json.decode(read_bounded(file), type=Session)
        except (OSError, ValueError, RecursionError) as error:
            raise RecordingError(f"cannot be read: {error}", place=file, mend="record it again") from None

    def events(self, names: Container[str] = EVENTS.names) -> Iterator[dict[str, Value]]:
        """Give the events in order of (`@timestamp`, `event.sequence`), of their fields those in `names`."""
        return iter(sorted(read_events(self.path / "events.parquet", names), key=order))

    def labels(self) -> list[Label]:
        """Give the labels, none when the recording has not been labelled."""
        file = self.path / "labels.parquet"
        return read_labels(file) if file.is_file() else []

    @property
    def malicious(self) -> bool:
        """Whether any event is labelled malicious."""
        return self.count_labels()["malicious"] > 0

    def count_labels(self) -> Counter[str]:
        """Count the labels by value."""
        file = self.path / "labels.parquet"
        return count_labels(file) if file.is_file() else Counter()


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


def write_recording(
    path: Path | str,
    events: Iterable[Event],
    session: Session,
    labels: Iterable[Label] = (),
    aside: Iterable[Mapping[str, str]] = (),
) -> Recording:
    """Write a whole recording at once, all or nothing; raises RecordingError when `path` is taken.

    `aside` are records that could not be read as events; when there are any, `aside.jsonl` holds them.
    """
    directory = Path(path)
    with _aside(directory) as scratch:
        write_events(scratch / "events.parquet", events)
        write_labels(scratch / "labels.parquet", labels)
        text = msgspec.json.format(msgspec.json.encode(session), indent=2)
        (scratch / "session.json").write_bytes(text + b"\n")
        if lines := [msgspec.json.encode(record) + b"\n" for record in aside]:
            (scratch / "aside.jsonl").write_bytes(b"".join(lines))
    return Recording.open(directory)
