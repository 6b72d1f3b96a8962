"""The reader goes before what it reads of: one that waits its turn tells late, or loses events."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from pathlib import Path

_PR_SET_TIMERSLACK, _SLACK_NS = 29, 1000
_NICE = -15
_POLICY = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK
_LOWEST = os.sched_param(1)


class Precedence:
    """Held from `take` to `give_back`: real-time scheduling where we may, else a low nice value.

    All threads of this process have it, since one that waits for its turn while it holds the interpreter's
    lock would hold up the reader; what is started meanwhile has not. The kernel leaves the others a twentieth
    of each second (`sched_rt_runtime_us`).
    """

    def __init__(self) -> None:
        self._before: dict[int, tuple[int, int]] = {}

    def take(self) -> None:
        """Go first, and wake up to the microsecond."""
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, _SLACK_NS)
        for thread in _threads() - self._before.keys():
            with suppress(OSError):
                before = os.sched_getscheduler(thread), os.getpriority(os.PRIO_PROCESS, thread)
                os.setpriority(os.PRIO_PROCESS, thread, _NICE)
                self._before[thread] = before
                os.sched_setscheduler(thread, _POLICY, _LOWEST)

    def give_back(self) -> None:
        """Be as before."""
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 0)  # the default again
        for thread, (policy, nice) in self._before.items():
            with suppress(OSError):
                os.sched_setscheduler(thread, policy, os.sched_param(0))
                os.setpriority(os.PRIO_PROCESS, thread, nice)
        self._before.clear()


def _threads() -> set[int]:
    return {int(task.name) for task in Path("/proc/self/task").iterdir()}
