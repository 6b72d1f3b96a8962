"""A queue on disk in front of each sink: it survives a dead sink and a restart, and is bounded.

Alerts lie as JSON lines in DIR/queue.jsonl; DIR/taken holds how many bytes the sink has accepted. An alert
may be delivered twice, never not at all: receivers know it by its uid. When the queue is full it pushes back:
alerts of the same rule, actor and incident are held as one that counts them, until there is room again.
"""

from __future__ import annotations

import os
import random
import threading
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from workbench.errors import InputError
from workbench.files import write_aside
from workbench.sensor.alert import Alert, decode_alert
from workbench.sensor.sinks import Refused, Sink, SinkError

_MOST_BYTES = 64 << 20
_BATCH = 64
_CHUNK = 256 << 10
_MOST_HELD = 4_096
_RESERVE = 64 << 20
_LONGEST_WAIT = 60.0


class Queue:
    """The file; only one process may hold it."""

    def __init__(self, directory: Path, most: int = _MOST_BYTES) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file, self._mark, self._most = directory / "queue.jsonl", directory / "taken", most
        self._handle = os.open(self._file, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._lock = threading.Lock()
        self._size = os.fstat(self._handle).st_size
        self._taken = self._read_mark()
        self._end_torn_line()

    def _read_mark(self) -> int:
        try:
            taken = int(self._mark.read_text())
        except (OSError, ValueError):
            return 0
        return taken if taken <= self._size else 0

    def _end_torn_line(self) -> None:
        if self._size and os.pread(self._handle, 1, self._size - 1) != b"\n":
            self._size += os.write(self._handle, b"\n")

    def put(self, line: bytes, *, reserve: bool = False) -> bool:
        """Add a line; tells whether there was room for it. A `reserve` is kept for what was held back."""
        data = line + b"\n"
        most = self._most + (_RESERVE if reserve else 0)
        with self._lock:
            if self._size - self._taken + len(data) > most:
                return False
            try:
                written = os.write(self._handle, data)
            except OSError:
                return False
            if written < len(data):
                with suppress(OSError):
                    os.ftruncate(self._handle, self._size)
                return False
            self._size += len(data)
        return True

    def peek(self, most: int) -> tuple[list[bytes], int]:
        """Give the next lines, `most` of them at most, and where they end; for the thread that drops them.

        It holds no lock, which scoring would wait for: what is put meanwhile comes after what is read.
        """
        waiting, chunk = self._size - self._taken, _CHUNK
        data = os.pread(self._handle, min(waiting, chunk), self._taken)
        while b"\n" not in data and chunk < waiting:
            chunk *= 2
            data = os.pread(self._handle, min(waiting, chunk), self._taken)
        lines = data.split(b"\n")[:-1][:most]
        return lines, self._taken + sum(len(line) + 1 for line in lines)

    def drop(self, until: int) -> None:
        """Forget what the sink has accepted; an emptied file begins again, which a full disk has room for."""
        with self._lock:
            self._taken = until
            if self._taken >= self._size:
                with suppress(FileNotFoundError):
                    os.truncate(self._mark, 0)
                os.ftruncate(self._handle, 0)
                self._taken = self._size = 0
            else:
                with suppress(OSError, InputError):  # then some of it is sent again at the next start
                    write_aside(self._mark, str(until).encode(), mode=0o600)

    def keep_aside(self, line: bytes) -> None:
        """Put a line where nothing sends it and nothing deletes it."""
        with self._file.with_name("refused.jsonl").open("ab") as aside:
            aside.write(line + b"\n")

    def __len__(self) -> int:
        """Count the bytes that wait."""
        return self._size - self._taken

    def close(self) -> None:
        """Close the file."""
        os.close(self._handle)


class Delivery(threading.Thread):
    """Sends a queue to its sink, trying again with growing pauses for as long as it fails."""

    def __init__(self, sink: Sink, queue: Queue, *, pause: float = 0.2) -> None:
        super().__init__(name=f"sink-{sink.name}", daemon=True)
        self.sink, self.queue = sink, queue
        self._pause = pause
        self._wake, self._ending = threading.Event(), threading.Event()
        self.failures = self.unreadable = self.refused = self._singly = 0
        self.fault = ""  # why the last delivery failed; of the URL, which may hold a secret, nothing
        self._held: OrderedDict[tuple[str, ...], Alert] = OrderedDict()

    def put(self, alert: Alert, line: bytes) -> bool:
        """Queue an alert; tells whether it has a place, there or among those that are held as one."""
        self.put_held()
        if not self._held and self.queue.put(line):
            self._wake.set()
            return True
        key = (alert.finding.session, alert.finding.rule_id, alert.finding.actor, alert.action)
        before = self._held.get(key)
        if before is None and len(self._held) >= _MOST_HELD:
            return False
        more = 1 + before.repeated if before else 0
        self._held[key] = msgspec.structs.replace(alert, repeated=alert.repeated + more)
        return True

    def put_held(self, *, reserve: bool = False) -> None:
        """Queue what was held back, as far as there is room."""
        while self._held:
            key, alert = next(iter(self._held.items()))
            if not self.queue.put(msgspec.json.encode(alert), reserve=reserve):
                return
            del self._held[key]
            self._wake.set()

    @property
    def held(self) -> int:
        """How many alerts stand for those that found no room."""
        return len(self._held)

    def run(self) -> None:
        """Send until told to end."""
        wait = self._pause
        while True:
            try:
                idle = not self._send_next()
            except Exception as error:  # whatever it is: a thread that ends delivers no more
                self.failures += 1
                self.fault = str(error) if isinstance(error, SinkError | OSError) else type(error).__name__
                if self._ending.wait(wait * random.uniform(0.5, 1.5)):  # noqa: S311 - spreads retries
                    return
                wait = min(2 * wait, _LONGEST_WAIT)
                continue
            wait, self.fault = self._pause, ""
            if idle:
                if self._ending.is_set():
                    return
                self._wake.wait(1.0)
                self._wake.clear()

    def _send_next(self) -> bool:
        """Send the next alerts; tells whether there were any."""
        lines, end = self.queue.peek(1 if self._singly else _BATCH)
        if lines:
            self._deliver(lines, end)
        return bool(lines)

    def _deliver(self, lines: list[bytes], end: int) -> None:
        try:
            self.sink.send([alert for line in lines if (alert := self._decode(line))])
        except Refused:
            self._set_aside(lines)
            return
        self._singly -= bool(self._singly)
        self.queue.drop(end)

    def _set_aside(self, lines: list[bytes]) -> None:
        """Keep what the sink will never take, and go on; which of a batch it is shows when sent singly."""
        if len(lines) > 1:
            self._singly = len(lines)
            return
        lines, end = self.queue.peek(1)
        self.queue.keep_aside(lines[0])
        self.refused += 1
        self.queue.drop(end)

    def _decode(self, line: bytes) -> Alert | None:
        try:
            return decode_alert(line)
        except ValueError:  # a line that a crash cut
            self.unreadable += bool(line)
            return None

    def end(self, grace: float) -> int:
        """Send what is left within `grace` seconds; gives how many bytes stay for the next start."""
        self.put_held(reserve=True)
        self._ending.set()
        self._wake.set()
        self.join(grace)
        left = len(self.queue)
        if not self.is_alive():
            self.queue.close()
        return left


class Spool:
    """All sinks of a sensor, each with a queue of its own, so that a dead one does not hold up the others."""

    def __init__(
        self, directory: Path, sinks: list[Sink], *, most: int = _MOST_BYTES, pause: float = 0.2
    ) -> None:
        self._deliveries = [Delivery(sink, Queue(directory / sink.name, most), pause=pause) for sink in sinks]
        self._failing: set[str] = set()

    def start(self) -> None:
        """Begin to deliver, what an earlier run left first."""
        for delivery in self._deliveries:
            delivery.start()

    def put(self, alert: Alert) -> int:
        """Take an alert for every sink; gives how many had no room for it."""
        line = msgspec.json.encode(alert)
        refused = 0
        for delivery in self._deliveries:
            refused += not delivery.put(alert, line)
        return refused

    def keep_house(self) -> dict[str, int]:
        """Queue what was held back where there is room again; gives how many each sink still holds."""
        for delivery in self._deliveries:
            delivery.put_held()
        return {delivery.sink.name: delivery.held for delivery in self._deliveries if delivery.held}

    def changes(self) -> list[tuple[str, Any]]:
        """Give audit records of the sinks whose delivery has begun to fail, or goes on again."""
        records: list[tuple[str, Any]] = []
        for delivery in self._deliveries:
            name, because = delivery.sink.name, delivery.fault
            if because and name not in self._failing:
                self._failing.add(name)
                records.append(("delivery_fails", {"sink": name, "because": because}))
            elif not because and name in self._failing:
                self._failing.remove(name)
                records.append(("delivery_fails", {"sink": name, "over": True}))
        return records

    def end(self, grace: float = 5.0) -> dict[str, int]:
        """Send what is left; gives, for each sink, the bytes that wait for the next start."""
        return {delivery.sink.name: delivery.end(grace) for delivery in self._deliveries}
