"""What the sensor scores: kernel events and the harness's own word, redacted and in order."""

from __future__ import annotations

import heapq
import os
import time
from collections import Counter
from pathlib import Path

import msgspec

from capture.source import Aside, Redactor, Source, Teller
from workbench.errors import InputError
from workbench.event import Value, check_event, order

Fields = dict[str, Value]

HOLD_NS = 300_000
"""How long an event waits for one that happened before it and is told later, nanoseconds."""

_MOST = 65_536
_LINGER_S = 1.0
_BYTES = 1 << 20


class Reorder:
    """Holds events for `hold` nanoseconds and gives them in order; `most` at once, the oldest leaving early.

    An event is ripe so long after it happened, or after it came: a clock that is set back holds up nothing.

    >>> buffer = Reorder(hold=10)
    >>> buffer.put([{"@timestamp": 5}, {"@timestamp": 3}], arrived=0)
    >>> buffer.take(now=14, passed=1), buffer.take(now=0, passed=10)
    ([{'@timestamp': 3}], [{'@timestamp': 5}])
    """

    def __init__(self, hold: int = HOLD_NS, most: int = _MOST) -> None:
        self._hold, self._most = hold, most
        self._heap: list[tuple[tuple[int, int], int, int, Fields]] = []
        self._serial = 0

    def __len__(self) -> int:
        """Count the events that wait."""
        return len(self._heap)

    def put(self, events: list[Fields], arrived: int) -> None:
        """Let events wait that came at `arrived`, nanoseconds of a clock that is never set."""
        for event in events:
            self._serial += 1
            heapq.heappush(self._heap, (order(event), self._serial, arrived, event))

    def take(self, now: int, passed: int) -> list[Fields]:
        """Give what is ripe at `now` (ns since 1970) and `passed` (of the other clock), or has no room."""
        ripe: list[Fields] = []
        heap, until, came = self._heap, now - self._hold, passed - self._hold
        while heap and (heap[0][0][0] <= until or heap[0][2] <= came or len(heap) > self._most):
            ripe.append(heapq.heappop(heap)[3])
        return ripe

    def drain(self) -> list[Fields]:
        """Give everything."""
        return [heapq.heappop(self._heap)[3] for _ in range(len(self._heap))]


class HookLog:
    """Reads what hooks append to a file, from where it ends now on; what is no event is counted."""

    def __init__(self, path: Path, session: str = "") -> None:
        self.path, self._session = path, session
        try:
            self._handle = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise InputError(
                f"hooks cannot be read: {error.strerror}", place=path, mend="name a file that is no link"
            ) from None
        os.lseek(self._handle, 0, os.SEEK_END)
        self._rest = b""
        self._count = 0
        self._aside = Aside()

    def read(self) -> list[Fields]:
        """Give the events that were appended since the last call."""
        new = os.read(self._handle, _BYTES)
        if not new:
            return []
        *lines, self._rest = (self._rest + new).split(b"\n")
        if len(self._rest) > _BYTES:
            self._rest = b""
            self._aside.put("too long", "")
        return [event for line in lines if (event := self._event(line))]

    def _event(self, line: bytes) -> Fields | None:
        unknown: Counter[str] = Counter()
        try:
            event = check_event(msgspec.json.decode(line, type=dict), unknown)
        except (ValueError, RecursionError):
            self._aside.put("not an event", "")
            return None
        for name in unknown:
            self._aside.put(name, "")
        if event["event.category"] not in ("agent", "control") or event["event.action"] == "session_start":
            return None  # the kernel's word is not a hook's to give; the session's start is ours
        self._count += 1
        event["event.id"] = f"h{self._count}"
        if self._session:
            event["gen_ai.conversation.id"] = self._session
        return event

    def faults(self) -> Counter[str]:
        """Give what could not be taken since the last call, by kind; a cut file is read on from its end."""
        try:
            if os.fstat(self._handle).st_size < os.lseek(self._handle, 0, os.SEEK_CUR):
                os.lseek(self._handle, 0, os.SEEK_END)
                self._aside.put("the hooks' file was cut", "")
        except OSError:
            self._aside.put("the hooks' file cannot be read", "")
        counts, self._aside = self._aside.counts, Aside()
        return counts

    def close(self) -> None:
        """Close the file."""
        os.close(self._handle)


class Feed:
    """Joins a source and hooks; an event is given once nothing older is to be expected."""

    def __init__(self, source: Source, *, hold: int = HOLD_NS) -> None:
        self.source = source
        self.hooks: HookLog | None = None
        self.transcripts: list[Teller] = []
        self._told = 0
        self._buffer = Reorder(hold)
        self.redact = Redactor().event
        self._hold_s = hold / 1e9

    def put(self, events: list[Fields]) -> None:
        """Take events that the source did not give by `poll`, such as a snapshot of what runs."""
        redact = self.redact
        for event in events:
            redact(event)
        self._buffer.put(events, time.monotonic_ns())

    def _take(self, events: list[Fields]) -> None:
        if self.source.redacts:
            self._buffer.put(events, time.monotonic_ns())
        else:
            self.put(events)

    def poll(self, timeout: float) -> list[Fields]:
        """Give the events that are ripe, waiting up to `timeout` seconds for the first."""
        self._take(self.source.poll(self._hold_s if self._buffer else timeout))
        self._listen()
        return self._buffer.take(time.time_ns(), time.monotonic_ns())

    def drain(self, quiet: float = 0.02) -> list[Fields]:
        """Give everything that is left, once the source is silent for `quiet` seconds, or after a second."""
        until = time.monotonic() + _LINGER_S
        while time.monotonic() < until and (events := self.source.poll(quiet)):
            self._take(events)
        return self._rest()

    def finish(self) -> list[Fields]:
        """End the tracing, though what is watched may go on; give everything that is left."""
        self._take(self.source.settle())
        return self._rest()

    def _rest(self) -> list[Fields]:
        self._listen()
        return self._buffer.drain()

    def _listen(self) -> None:
        if self.hooks is not None:
            self.put(self.hooks.read())
        for teller in self.transcripts:
            events = teller.read()
            for event in events:
                self._told += 1
                event["event.id"] = f"t{self._told}"
            self.put(events)
