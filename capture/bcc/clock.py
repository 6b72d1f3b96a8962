"""From the kernel's clocks to the wall's."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Clock:
    """Offsets taken once, so that the order of events survives a step of the wall clock; nanoseconds."""

    boot: str
    monotonic: int
    boottime: int

    @classmethod
    def now(cls) -> Clock:
        """Compare the clocks of this machine."""
        wall = time.time_ns()
        return cls(
            boot=_BOOT_ID.read_text().strip(),
            monotonic=wall - time.monotonic_ns(),
            boottime=wall - time.clock_gettime_ns(time.CLOCK_BOOTTIME),
        )

    def at(self, ns: int) -> int:
        """Turn CLOCK_MONOTONIC into the time since 1970."""
        return self.monotonic + ns

    def started(self, ns: int) -> int:
        """Turn CLOCK_BOOTTIME into the time since 1970."""
        return self.boottime + ns
