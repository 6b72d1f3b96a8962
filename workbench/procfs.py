"""Processes as /proc shows them now: who is whose child, since when, under which name."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
"""The kernel's tick, in which /proc tells times."""
_PROC = Path("/proc")
_STATE, _PARENT, _START = 0, 1, 19  # fields of /proc/PID/stat after the name, proc(5)


def stat(pid: int) -> list[str]:
    """Give the fields of a process's stat after its name, which may hold anything; [] when it is gone."""
    try:
        return (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def start(pid: int) -> int | None:
    """Give when a process began, in ticks since boot; None when it is gone or has ended."""
    fields = stat(pid)
    return int(fields[_START]) if fields and fields[_STATE] not in ("Z", "X") else None


def parent(pid: int) -> int:
    """Give a process's parent, 0 when there is none or it is gone."""
    fields = stat(pid)
    return int(fields[_PARENT]) if fields else 0


def children(pid: int) -> set[int]:
    """Give a process's children, whichever thread started them; one that ends meanwhile hides no other's."""
    found: set[int] = set()
    with suppress(OSError):
        for task in (_PROC / str(pid) / "task").iterdir():
            with suppress(OSError):
                found.update(map(int, (task / "children").read_text().split()))
    return found


def name(pid: int) -> str:
    """Give a process's name, "" when it is gone.

    >>> start(os.getpid()) is not None, parent(os.getpid()) == os.getppid(), name(0)
    (True, True, '')
    """
    with suppress(OSError):
        return (_PROC / str(pid) / "comm").read_text(errors="replace").rstrip("\n")
    return ""
