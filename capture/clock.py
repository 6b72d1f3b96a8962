"""From the kernel's clocks to the wall's."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_TRIES = 5


@dataclass(frozen=True)
class Clock:
    """Offsets taken once, so that the order of events survives a step of the wall clock; nanoseconds."""

    boot: str
    monotonic: int
    boottime: int

    @classmethod
    def now(cls) -> Clock:
        """Compare the clocks of this machine."""
        return cls(
            boot=_BOOT_ID.read_text().strip(),
            monotonic=_ahead_of(time.CLOCK_MONOTONIC),
            boottime=_ahead_of(time.CLOCK_BOOTTIME),
        )

    def at(self, ns: int) -> int:
        """Turn CLOCK_MONOTONIC into the time since 1970."""
        return self.monotonic + ns

    def started(self, ns: int) -> int:
        """Turn CLOCK_BOOTTIME into the time since 1970."""
        return self.boottime + ns


def _ahead_of(clock: int) -> int:
    """Give how far the wall's time is ahead of a clock.

    A busy machine may take the processor away between two readings: of several the closest pair counts.
    """
    best, least = 0, 1 << 62
    for _ in range(_TRIES):
        before = time.clock_gettime_ns(clock)
        wall = time.time_ns()
        after = time.clock_gettime_ns(clock)
        if after - before < least:
            least, best = after - before, wall - (before + after) // 2
    return best
