"""How rare a value is in an agent's past, counted in sessions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import log
from typing import Any

READY_AFTER = 8  # sessions; below it, even the never-seen would score under 2.9 nats
MAX_VALUES = 256
MAX_BYTES = 6_500  # of a feature's values in the pack: with all features and trees an agent stays below 64 kB
DISTINCT_DAYS = 5
FADING_A_DAY = 1 - 1 / 30
_MAX_PENDING = 128
_GONE = 0.05


def surprise(seen: float, sessions: float) -> float:
    """Give −log of the share of sessions with a value, Krichevsky–Trofimov smoothed, in nats.

    Counting sessions, not events, bounds what one session can teach a baseline to one count.

    >>> round(surprise(0, 20), 2), round(surprise(19, 20), 2)
    (3.74, 0.07)
    """
    return -log((seen + 0.5) / (sessions + 1.0))


class Rarity:
    """Value → share of the sessions that had it, of one feature.

    Learned without a day, as from labelled recordings, a value counts at once. With a day, as on a host,
    what is new counts only once it was seen on `DISTINCT_DAYS` days, and the past fades by a thirtieth a day.
    """

    def __init__(self, frozen: Mapping[str, Any] | None = None) -> None:
        frozen = frozen or {}
        self.sessions: float = frozen.get("sessions", 0)
        self.counts: dict[str, float] = dict(frozen.get("counts", {}))
        self.day: int = frozen.get("day", -1)
        self.pending: dict[str, tuple[int, int, float]] = {
            value: (last, days, count) for value, (last, days, count) in frozen.get("pending", {}).items()
        }
        """Value → the day it was last seen, on how many days, in how many sessions."""

    @property
    def ready(self) -> bool:
        """Whether at least `READY_AFTER` sessions were learned."""
        return self.sessions >= READY_AFTER

    @property
    def unseen(self) -> float:
        """The surprise of a value that was never seen, in nats."""
        return surprise(0, self.sessions)

    def nats(self) -> dict[str, float]:
        """Give the surprise of each known value."""
        return {value: surprise(seen, self.sessions) for value, seen in self.counts.items()}

    def score(self, value: str) -> float:
        """Give the surprise of one value in nats."""
        return surprise(self.counts.get(value, 0), self.sessions)

    def learn(self, values: Iterable[str], day: int | None = None) -> None:
        """Count the values of one session, each once; `day` is the number of the day on a host."""
        if day is not None and day > self.day:
            self._fade()
            self.day = day
        self.sessions += 1
        for value in sorted(set(values)):
            if day is None or value in self.counts:
                self.counts[value] = self.counts.get(value, 0) + 1
            else:
                self._wait(value, self.day)
        if len(self.counts) > 2 * MAX_VALUES:
            self.counts = dict(self._kept())

    def _fade(self) -> None:
        if self.day < 0:
            return
        self.sessions *= FADING_A_DAY
        faded = {value: FADING_A_DAY * seen for value, seen in self.counts.items()}
        self.counts = {value: seen for value, seen in faded.items() if seen > _GONE}

    def _wait(self, value: str, day: int) -> None:
        last, days, count = self.pending.pop(value, (-1, 0, 0.0))
        days += last != day
        if days >= DISTINCT_DAYS:
            self.counts[value] = count + 1
            return
        self.pending[value] = day, days, count + 1
        if len(self.pending) > _MAX_PENDING:
            del self.pending[min(self.pending, key=lambda value: self.pending[value])]

    def freeze(self) -> dict[str, Any]:
        """Give the counts of the values that fit into `MAX_VALUES` and `MAX_BYTES`, and what waits."""
        frozen: dict[str, Any] = {"sessions": self.sessions, "counts": dict(sorted(self._kept()))}
        if self.day >= 0:
            frozen |= {"day": self.day, "pending": {v: list(state) for v, state in self.pending.items()}}
        return frozen

    def _kept(self) -> list[tuple[str, float]]:
        """Give the most frequent values that fit."""
        ranked = sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))
        kept, size = [], 0
        for value, seen in ranked[:MAX_VALUES]:
            size += len(value.encode()) + 5
            if size > MAX_BYTES:
                break
            kept.append((value, seen))
        return kept
