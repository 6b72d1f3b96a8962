"""The sensor's own health: clocks set, times it did not run, events lost, sinks that fail, and its guard."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import islice
from typing import Any

from workbench.scorer import Finding
from workbench.sensor.containment import alive
from workbench.sensor.feed import Feed
from workbench.sensor.guard import Guard
from workbench.sensor.spool import Spool
from workbench.sensor.tampering import tampering
from workbench.sensor.tree import Process, Tree

_STEP_NS = 500_000_000
_STALL_NS = 5_000_000_000
_AT_ONCE = 64
_SURE = 2
_NAMED = 5


class Health:
    """Checked once a second; `wall` and `steady` are the clocks, nanoseconds."""

    def __init__(
        self,
        guard: Guard | None = None,
        spool: Spool | None = None,
        *,
        wall: Callable[[], int] = time.time_ns,
        steady: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._guard, self._spool, self._wall, self._steady = guard, spool, wall, steady
        self._offset = self._first = wall() - steady()
        self._checked: int | None = None
        self._lost = 0
        self._attacks: list[Finding] = []
        self._missing: dict[Process, int] = {}

    def now(self) -> int:
        """Give the time by the clock as it was at the start, which a source's events are told by."""
        return self._steady() + self._first

    def check(self, feed: Feed, tree: Tree) -> list[tuple[str, Any]]:
        """Give audit records of what happened since the last time."""
        records: list[tuple[str, Any]] = []
        now, offset = self._steady(), self._wall() - self._steady()
        if self._checked is not None and now - self._checked > _STALL_NS:
            seconds = (now - self._checked) / 1e9
            records.append(("gap", {"because": "the sensor did not run", "seconds": round(seconds, 1)}))
        self._checked = now
        if abs(step := offset - self._offset) > _STEP_NS:
            records.append(("clock_step", {"seconds": round(step / 1e9, 3)}))
        self._offset = offset
        if lost := feed.source.lost - self._lost:
            self._lost += lost
            records.append(("gap", {"events_lost": lost, "because": "the kernel's buffer was full"}))
        if feed.hooks is not None and (faults := feed.hooks.faults()):
            # One record, however many kinds: any process can write what it likes into the hooks' file.
            told = ", ".join([*islice(faults, _NAMED), *(["…"] if len(faults) > _NAMED else [])])
            records.append(("gap", {"hook_lines": faults.total(), "because": told}))
        if self._spool is not None:
            records += self._spool.changes()
        if self._guard is not None and not self._guard.alive():
            self._guard = None
            self._attacks.append(tampering("the sensor's guard was ended", at=self._wall()))
        self._check_tracing(feed, tree)
        return records

    def _check_tracing(self, feed: Feed, tree: Tree) -> None:
        """Find what runs untraced, twice in a row: a process that is just ending is not traced either."""
        suspects = dict.fromkeys([*self._missing, *tree.in_turn(_AT_ONCE)])
        untraced = [each for each in suspects if not feed.source.traces(each.pid) and alive(each)]
        self._missing = {each: self._missing.get(each, 0) + 1 for each in untraced}
        for process in (each for each, times in self._missing.items() if times == _SURE):
            what = f"process {process.pid} was taken out of the sensor's sight"
            self._attacks.append(tampering(what, at=self._wall(), session=process.session))

    def attacks(self) -> list[Finding]:
        """Give, once, the findings that no event tells of."""
        found, self._attacks = self._attacks, []
        return found
