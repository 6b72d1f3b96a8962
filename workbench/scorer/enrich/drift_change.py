"""Whether an agent's volumes have changed their level for good: Page and Hinkley's test, with a cool-down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MIN_SESSIONS, DELTA, THRESHOLD, ALPHA = 30, 0.25, 8.0, 0.9999
COOL_DOWN = 20


class Change:
    """The two-sided test of Page (1954) as river computes it, over one number a session.

    `delta` is the change that is let pass, `threshold` the sum of excess that is one, both in the number's
    unit. After a change it rests for `COOL_DOWN` sessions and begins anew.
    """

    _STATE = ("sessions", "mean", "up", "least", "down", "most", "since")

    def __init__(self, frozen: Mapping[str, Any] | None = None) -> None:
        self.since = -1
        """Sessions since the last change while the test rests, else −1."""
        self._begin()
        for name, value in (frozen or {}).items():
            if name not in self._STATE:
                raise ValueError(f"change: no {name!r}")
            setattr(self, name, value)

    def _begin(self) -> None:
        self.sessions = 0
        self.mean = self.up = self.down = 0.0
        self.least, self.most = 1e300, -1.0

    def learn(self, x: float) -> None:
        """Take the number of one session."""
        if 0 <= self.since < COOL_DOWN:
            self.since += 1
            return
        if self.since >= 0:
            self.since = -1
            self._begin()
        self.sessions += 1
        self.mean += (x - self.mean) / self.sessions
        self.up = ALPHA * self.up + x - self.mean - DELTA
        self.down = ALPHA * self.down + x - self.mean + DELTA
        self.least, self.most = min(self.least, self.up), max(self.most, self.down)
        if self.sessions >= MIN_SESSIONS and max(self.up - self.least, self.most - self.down) > THRESHOLD:
            self.since = 0

    def freeze(self) -> dict[str, float]:
        """Give the state of the test."""
        return {name: getattr(self, name) for name in self._STATE}
