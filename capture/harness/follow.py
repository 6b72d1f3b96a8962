"""Harness files as they grow: the agent events that are new since the last look."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from capture.aside import Aside
from capture.harness.formats import by_line, place, reader
from capture.harness.transcript import Reader, Transcript, decoded
from workbench.errors import InputError
from workbench.event import Value

_BYTES = 1 << 20  # read at once, and the longest line
_FILES = 256
_PAUSE = 0.05  # seconds between looks
_SCAN = 1.0  # seconds between looks for new files in a directory
_REST = 10  # how much longer than reading a file took it is left alone

Fields = dict[str, Value]


class Follower:
    """Follows one harness's file, or the files of a directory, from now on.

    What stands in them at the start is read, for what later lines refer to, and not told. The first session
    that is told of afterwards is `session`, when given: what the harness calls it is not what we do.
    """

    def __init__(self, format: str, path: Path | None = None, session: str = "") -> None:
        root, pattern = place(format)
        given = path or root
        if given is None:
            raise InputError(
                f"{format} has no usual place", mend=f"say where it is: --transcript {format}:FILE"
            )
        self._format, self._path, self._pattern = format, given.expanduser(), pattern
        self._session, self._theirs = session, ""
        self._files: dict[Path, _Lines | _Whole] = {}
        self._scanned = self._looked = 0.0
        self._scan(old=True)

    @property
    def aside(self) -> Aside:
        """What was kept aside."""
        aside = Aside()
        for file in self._files.values():
            aside.add(file.aside)
        return aside

    def read(self) -> list[Fields]:
        """Give the events that were written since the last call, or nothing yet right after one."""
        now = time.monotonic()
        if now - self._looked < _PAUSE:
            return []
        self._looked = now
        self._scan(old=False)
        return [self._ours(event) for file in self._files.values() for event in file.read()]

    def rest(self) -> list[Fields]:
        """Give what is left, files that have just been made among it, and close them all."""
        events: list[Fields] = []
        while True:
            self._scanned = self._looked = 0.0
            for file in self._files.values():
                file.wake()
            if not (new := self.read()):
                break
            events += new
        self.close()
        return events

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()

    def _scan(self, *, old: bool) -> None:
        now = time.monotonic()
        if now - self._scanned < _SCAN and self._path.is_dir():
            return
        self._scanned = now
        for path in self._found():
            if path in self._files:
                continue
            if len(self._files) >= _FILES:
                self._files.pop(next(iter(self._files))).close()
            make = by_line(self._format)
            file = self._files[path] = _Lines(make, path) if make else _Whole(reader(self._format), path)
            if old:
                file.skip()

    def _found(self) -> list[Path]:
        if not self._path.is_dir():
            return [self._path] if self._path.exists() else []
        found = []
        for path in self._path.rglob(self._pattern):
            with suppress(OSError):
                found.append((path.stat().st_mtime_ns, path))
        return [path for _, path in sorted(found)[-_FILES:]]

    def _ours(self, event: Fields) -> Fields:
        theirs = str(event.get("gen_ai.conversation.id", ""))
        self._theirs = self._theirs or theirs
        if self._session and theirs == self._theirs:
            event["gen_ai.conversation.id"] = self._session
        return event


class _Lines:
    """A file to which lines are appended; one that was cut or replaced is read from its beginning."""

    def __init__(self, make: Callable[[str], Reader], path: Path) -> None:
        self._make, self._path = make, path
        self._handle, self._inode = -1, 0
        self.aside = Aside()
        self._begin()

    def _begin(self) -> None:
        self._reader = self._make(self._path.stem)
        self._reader.transcript.aside = self.aside
        self._offset, self._rest, self._skipping = 0, b"", False

    def read(self) -> list[Fields]:
        """Give the events of the lines that are new."""
        self._feed()
        events = self._reader.transcript.events
        self._reader.transcript.events = []
        return [event for event in events if event["event.category"] in ("agent", "control")]

    def skip(self) -> None:
        """Read what is there, and tell none of it."""
        while self._feed():
            self._reader.transcript.events = []

    def wake(self) -> None:
        """Do nothing: it is read at every look."""

    def _feed(self) -> bool:
        new = self._new()
        *lines, self._rest = (self._rest + new).split(b"\n")
        if lines and self._skipping:
            self._skipping = False
            del lines[0]
        if len(self._rest) > _BYTES:
            self.aside.put("too long", self._rest.decode(errors="replace"))
            self._rest, self._skipping = b"", True
        for line in lines:
            self._take(line)
        return bool(new)

    def _take(self, line: bytes) -> None:
        if not line.strip():
            return
        try:
            record = decoded(line.decode(errors="replace"))
        except (ValueError, RecursionError):
            record = None
        if isinstance(record, dict):
            self._reader.take(record)
        else:
            self.aside.put("not JSON", line.decode(errors="replace"))

    def _new(self) -> bytes:
        try:
            there = self._path.stat()
            if self._handle >= 0 and (there.st_ino != self._inode or there.st_size < self._offset):
                self.close()
                self._begin()
            if self._handle < 0:
                if not stat.S_ISREG(there.st_mode):
                    return b""
                self._handle = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
                self._inode = os.fstat(self._handle).st_ino
            new = os.read(self._handle, _BYTES)
        except OSError:
            return b""
        self._offset += len(new)
        return new

    def close(self) -> None:
        """Close the file."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


class _Whole:
    """A file that is written anew, or a database: read again when it has changed."""

    def __init__(self, read: Callable[[Path], Transcript], path: Path) -> None:
        self._read, self._path = read, path
        self._seen: tuple[tuple[int, int, int], ...] = ()
        self._told: set[tuple[str, ...]] = set()
        self._next = 0.0
        self.aside = Aside()

    def skip(self) -> None:
        """Read what is there, and tell none of it."""
        self.read()
        self.wake()

    def wake(self) -> None:
        """Let the next look read it."""
        self._next = 0.0

    def read(self) -> list[Fields]:
        """Give the events that the file did not hold before; what has no time yet waits for one."""
        began = time.monotonic()
        if began < self._next or (state := self._state()) == self._seen:
            return []
        try:
            transcript = self._read(self._path)
        except (InputError, OSError):
            transcript = None  # half written: the next look finds it whole
        self._next = time.monotonic() + _REST * (time.monotonic() - began)
        self._seen = state if transcript else ()
        if transcript is None:
            return []
        self.aside = transcript.aside
        new = []
        for event in transcript.events:
            key = tuple(str(event.get(name, "")) for name in _IDENTITY)
            if event["@timestamp"] and key not in self._told:
                self._told.add(key)
                new.append(event)
        return new

    def _state(self) -> tuple[tuple[int, int, int], ...]:
        states = []
        for path in (self._path, self._path.with_name(self._path.name + "-wal")):
            with suppress(OSError):
                there = path.stat()
                if stat.S_ISREG(there.st_mode):
                    states.append((there.st_ino, there.st_size, there.st_mtime_ns))
        return tuple(states)

    def close(self) -> None:
        """Do nothing: nothing is held open."""


_IDENTITY = (
    "event.action",
    "gen_ai.conversation.id",
    "gen_ai.prompt.id",
    "gen_ai.tool.call.id",
)


def follow(what: str, session: str = "") -> Follower:
    """Follow `FORMAT` at its usual place, or `FORMAT:PATH`; raises InputError for an unknown format."""
    format, _, path = what.partition(":")
    return Follower(format, Path(path) if path else None, session)
