"""A recording played again, as if it happened now."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from workbench.dataset.recording import Recording
from workbench.dataset.session import Loss
from workbench.event import Value, order

_BATCH = 4096


class ReplaySource:
    """Gives the events of a recording in order; `speed` 1 keeps their pace, 0 does not wait.

    Raises RecordingError when `path` is no recording.
    """

    name = "replay"
    redacts = False

    def __init__(self, *, path: Path | str, speed: float = 0.0) -> None:
        recording = Recording.open(path)
        self._session = recording.session
        self.cannot_see = tuple(self._session.cannot_see)
        self._events = recording.events()
        self._next: dict[str, Value] | None = next(self._events, None)
        self._speed = speed
        self._offset = 0.0
        self.sent = 0

    @property
    def ended(self) -> bool:
        """Whether everything has been given."""
        return self._next is None

    @property
    def lost(self) -> int:
        """What the recording lost."""
        return self._session.loss.dropped

    def rehearse(self) -> list[dict[str, Value]]:
        """Give nothing: no one waits for what is replayed."""
        return []

    def start(self, root: int) -> None:
        """Begin now; there is no process to trace."""
        first = order(self._next)[0] if self._next else 0
        self._offset = time.monotonic() * 1e9 - first / (self._speed or 1)

    def attach(self, pid: int) -> list[dict[str, Value]]:
        """Begin now; there is no process to attach to."""
        self.start(pid)
        return []

    def traces(self, pid: int) -> bool:
        """Whether a process is traced: none is, since what is replayed has ended."""
        return False

    def poll(self, timeout: float) -> list[dict[str, Value]]:
        """Give the events that are due, waiting up to `timeout` seconds for the first."""
        deadline = time.monotonic() + timeout
        while self._next is not None and not self._due() and time.monotonic() < deadline:
            time.sleep(min(0.005, timeout))
        events = list(self._take())
        self.sent += len(events)
        return events

    def settle(self) -> list[dict[str, Value]]:
        """Give nothing more."""
        return []

    def stop(self) -> Loss:
        """Tell the loss that the recording suffered."""
        return self._session.loss

    def _take(self) -> Iterator[dict[str, Value]]:
        for _ in range(_BATCH):
            if self._next is None or not self._due():
                return
            yield self._next
            self._next = next(self._events, None)

    def _due(self) -> bool:
        if not self._speed or self._next is None:
            return True
        return order(self._next)[0] / self._speed + self._offset <= time.monotonic() * 1e9
