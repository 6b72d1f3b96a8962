"""`absent`: completed correlations that wait for their window to close before they fire."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from math import inf

import msgspec

from workbench.event import Value
from workbench.scorer.groups import Key
from workbench.scorer.sighting import Completion


class Pending(msgspec.Struct):
    """A correlation that fires when its window closes: after `deadline` (nanoseconds) or with its session."""

    deadline: int
    rule: int
    session: str
    key: Key
    completion: Completion
    event: dict[str, Value]
    waiting: bool = True


class Absences:
    """The windows that are open, `most` at once: the one that would close first gives way, and is counted."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._serial = 0
        self._heap: list[tuple[int, int, Pending]] = []
        self._groups: dict[tuple[int, Key], list[Pending]] = {}
        self._count = 0
        self.evicted = 0
        self.earliest: float = inf
        """Before this no window closes: the earliest deadline (nanoseconds), infinity while there is none."""

    def __len__(self) -> int:
        """Count the windows that are open."""
        return self._count

    def add(self, pending: Pending) -> None:
        """Open a window."""
        if self._count >= self._most:
            self.evicted += 1
            self._take()
        self._serial += 1
        self._count += 1
        heapq.heappush(self._heap, (pending.deadline, self._serial, pending))
        self._look()
        self._groups.setdefault((pending.rule, pending.key), []).append(pending)

    def cancel(self, rule: int, key: Key) -> None:
        """Close the group's windows without firing: what should have happened did."""
        for pending in self._groups.pop((rule, key), ()):
            pending.waiting = False
            self._count -= 1

    def _look(self) -> None:
        self.earliest = self._heap[0][0] if self._heap else inf

    def due(self, now: int) -> Iterator[Pending]:
        """Take the windows whose deadline lies before `now`, earliest first."""
        while self.earliest < now:
            pending = self._take()
            if pending:
                yield pending

    def end(self, session: str | None) -> list[Pending]:
        """Take a session's windows (None: all), earliest first."""
        ended = [pending for pending in self.waiting() if session in (None, pending.session)]
        for pending in ended:
            self._forget(pending)
        self._drop_cancelled()
        return ended

    def _take(self) -> Pending | None:
        """Pop the earliest; None when it had been cancelled."""
        _, _, pending = heapq.heappop(self._heap)
        self._look()
        if not pending.waiting:
            return None
        self._forget(pending)
        return pending

    def _forget(self, pending: Pending) -> None:
        pending.waiting = False
        self._count -= 1
        group = self._groups[pending.rule, pending.key]
        group.remove(pending)
        if not group:
            del self._groups[pending.rule, pending.key]

    def _drop_cancelled(self) -> None:
        self._heap = [entry for entry in self._heap if entry[2].waiting]
        heapq.heapify(self._heap)
        self._look()

    def waiting(self) -> list[Pending]:
        """Give the windows that are open, earliest first."""
        return [entry[2] for entry in sorted(self._heap, key=lambda entry: entry[:2]) if entry[2].waiting]
