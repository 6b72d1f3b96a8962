"""The processes that strace told of: which thread belongs to which, what runs in it, where it is."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from capture import snapshot
from workbench.event import Value, entity_id

_MOST_ENDED = 256


@dataclass
class Process:
    """One process; `start` is when it began, or was first heard of if it is gone, nanoseconds since boot."""

    pid: int
    start: int
    entity: str
    parent: Process | None
    executable: str
    directory: str
    user: str


class Processes:
    """Knows every thread that has not ended."""

    def __init__(self, boot: str, booted: int, host: dict[str, Value]) -> None:
        self._boot, self._booted, self._host = boot, booted, host
        self._by_thread: dict[int, Process] = {}
        self._ended: OrderedDict[int, Process] = OrderedDict()

    def begin(
        self, pid: int, time: int, parent: Process | None, executable: str, directory: str, user: str
    ) -> Process:
        """Note a new process, heard of at `time`; what /proc tells of its start names it for all who ask."""
        start = snapshot.start_time(pid) or time - self._booted
        process = Process(pid, start, entity_id(self._boot, start, pid), parent, executable, directory, user)
        self._by_thread[pid] = process
        return process

    def thread(self, tid: int, process: Process) -> None:
        """Note a new thread of a process."""
        self._by_thread[tid] = process

    def of(self, tid: int) -> Process | None:
        """Give the process that a thread belongs to."""
        return self._by_thread.get(tid)

    def sender(self, pid: int) -> Process | None:
        """Give the process that sent a signal; it may have ended before the signal was told."""
        return self.of(pid) or self._ended.get(pid)

    def end(self, tid: int) -> Process | None:
        """Forget a thread; gives the process when it was its first, and thereby its end."""
        process = self._by_thread.pop(tid, None)
        if process is None or process.pid != tid:
            return None
        self._ended[tid] = process
        if len(self._ended) > _MOST_ENDED:
            self._ended.popitem(last=False)
        return process

    def fields(self, process: Process, tid: int, time: int) -> dict[str, Value]:
        """Give a fresh event's fields that tell who did it."""
        fields: dict[str, Value] = {
            **self._host,
            "@timestamp": time,
            "process.entity_id": process.entity,
            "process.pid": process.pid,
            "process.thread.id": tid,
            "process.start": self._booted + process.start,
            "user.id": process.user,
        }
        if process.executable:
            fields["process.executable"] = process.executable
            fields["process.name"] = process.executable.rpartition("/")[2][:15]
        if process.parent is not None:
            fields["process.parent.pid"] = process.parent.pid
            fields["process.parent.entity_id"] = process.parent.entity
        return fields
