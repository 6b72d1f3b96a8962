"""Containment: SIGKILL of an offending tree, by pidfd and only of processes that are traced.

It ends what goes on; what was done before the signal stays done, and each report of it says so.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import msgspec

from workbench import procfs
from workbench.event import entity_id
from workbench.sensor.tree import Process, Tree

_PIDFD_GETFD = 438
_STANDARD_ERROR = 2
_PIPE_BUF = 4_096
MEANS = "SIGKILL of the offending tree (containment, not prevention)"
_ROUNDS = 20
_LIBC = ctypes.CDLL(None, use_errno=True)


class Contained(msgspec.Struct, kw_only=True):
    """What was ended: `means` says how, `killed` the processes, `gone` those that had ended by themselves.

    `refused` are those that the kernel did not let us end; they go on.
    """

    means: str = MEANS
    killed: list[str] = []
    refused: list[str] = []
    gone: int = 0
    told: bool = False
    entities: list[str] = []


def contain(tree: Tree, entity: str, reason: str) -> Contained:
    """End the offending tree, after telling its standard error why; kills nothing that is not traced.

    `entities` of what is given are all that belonged to it: what they started unseen is to be ended too.
    """
    done = Contained()
    seen: set[str] = set()
    for number in range(_ROUNDS):
        members = [process for process in _members(tree, tree.offender(entity)) if process.entity not in seen]
        if not members:
            break
        for process in members:
            seen.add(process.entity)
            done.entities.append(process.entity)
            with _opened(process) as handle:
                if handle < 0:
                    done.gone += 1
                    continue
                if reason and number == 0 and not done.told:
                    done.told = tell(handle, reason)
                named = f"{process.name or 'process'}[{process.pid}]"
                with suppress(ProcessLookupError):
                    try:
                        signal.pidfd_send_signal(handle, signal.SIGKILL)
                        done.killed.append(named)
                    except PermissionError:
                        done.refused.append(named)
    return done


def _members(tree: Tree, top: str) -> list[Process]:
    """Give the tree below `top`: as events told it, and children so young that no event told of them yet."""
    found = {process.pid: process for process in tree.below(top)}
    pending = [process for process in found.values() if alive(process)]
    for process in pending:
        for pid in procfs.children(process.pid):
            if pid not in found and (start := procfs.start(pid)) is not None:
                entity = entity_id(process.entity.split("-")[0], start * procfs.TICK_NS, pid)
                child = Process(entity, pid, process.entity, name=procfs.name(pid))
                found[pid] = child
                pending.append(child)
    return list(found.values())


def alive(process: Process) -> bool:
    """Whether the pid still is the process that was traced: ids are used again, start times are not."""
    start, told = procfs.start(process.pid), process.entity.split("-")
    return start is not None and len(told) == 3 and abs(int(told[1], 16) // procfs.TICK_NS - start) <= 1


@contextmanager
def _opened(process: Process) -> Iterator[int]:
    """Hold the process by descriptor, -1 when it is gone: checked once held, so it cannot be another."""
    try:
        handle = os.pidfd_open(process.pid)
    except (OSError, ValueError):
        yield -1
        return
    try:
        yield handle if alive(process) else -1
    finally:
        os.close(handle)


def tell(handle: int, text: str) -> bool:
    """Write to a process's standard error when that is a pipe or socket with room, which its agent reads.

    The descriptor itself is taken over, with the rights it has: nothing is opened in the process's name.
    """
    taken = _LIBC.syscall(_PIDFD_GETFD, handle, _STANDARD_ERROR, 0)
    if taken < 0:
        return False
    line = f"\n{text}\n".encode()[:_PIPE_BUF]
    try:
        mode = os.fstat(taken).st_mode
        if stat.S_ISSOCK(mode):
            with socket.socket(fileno=os.dup(taken)) as there:
                there.send(line, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
                return True
        if stat.S_ISFIFO(mode) and select.select([], [taken], [], 0)[1]:
            os.write(taken, line)
            return True
    except OSError:
        return False
    finally:
        os.close(taken)
    return False
