"""The processes seen so far: what each event says of the process that caused it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from capture.bcc.records import WHO, Record
from capture.clock import Clock
from workbench.event import Value, entity_id
from workbench.procfs import TICK_NS

Fields = dict[str, Value]

_FORMER = 4096  # ended processes still remembered, for records that come late
_NAMES = 64  # identities kept of one process, which can change its name as often as it likes


class Process:
    """One process: its identity, the file it runs, and the identities it was seen with, the latest last."""

    __slots__ = ("entity", "executable", "identities", "start")

    def __init__(self, start: int, entity: str, executable: str) -> None:
        self.start, self.entity, self.executable = start, entity, executable
        self.identities: list[bytes] = []


class Processes:
    """Keeps every live process of the traced tree and some that ended."""

    def __init__(self, clock: Clock, host: Fields, redact: Callable[[Fields], Fields]) -> None:
        self._clock, self._host, self._redact = clock, host, redact
        self._known: dict[int, Process] = {}
        self._fields: dict[bytes, Fields] = {}  # of each identity, ready to be copied into events
        self._ended: list[tuple[int, int]] = []

    def fields(self, raw: bytes) -> Fields:
        """Give a fresh event's fields that tell who did what a record tells."""
        fields = self._fields.get(raw[WHO])
        return (fields or self._identify(Record.read(raw))).copy()

    def _identify(self, record: Record) -> Fields:
        process = self._known.get(record.tgid)
        if process is None or process.start != record.start:
            process = self.meet(record.tgid, record.start, _executable(record.tgid))
        if len(process.identities) >= _NAMES:
            self._forget(process)
        process.identities.append(record.identity)
        fields = self._fields[record.identity] = self._redact(self._describe(record, process))
        return fields

    def _forget(self, process: Process) -> None:
        for identity in process.identities:
            self._fields.pop(identity, None)
        process.identities.clear()

    def latest(self, pid: int) -> Fields | None:
        """Give a fresh event's fields of a live process as it was last seen."""
        process = self._known.get(pid)
        if process is None or not process.identities:
            return None
        return self._fields[process.identities[-1]].copy()

    def meet(self, pid: int, start: int, executable: str) -> Process:
        """Begin to know a process, or to know it anew."""
        if before := self._known.get(pid):
            self._forget(before)
        process = self._known[pid] = Process(start, self.entity(pid, start), executable)
        return process

    def fork(self, record: Record) -> str:
        """Note a new child, which runs what its parent runs; gives its entity id."""
        parent = self._known.get(record.tgid)
        executable = (
            parent.executable if parent and parent.start == record.start else _executable(record.tgid)
        )
        return self.meet(record.a, record.b, executable).entity

    def exec(self, record: Record, executable: str) -> None:
        """Note that a process runs another file."""
        self.meet(record.tgid, record.start, executable)

    def exit(self, record: Record) -> None:
        """Note an end; the process is forgotten once many others have ended too."""
        self._ended.append((record.tgid, record.start))
        if len(self._ended) > 2 * _FORMER:
            for pid, start in self._ended[:_FORMER]:
                if (known := self._known.get(pid)) and known.start == start:
                    self._forget(self._known.pop(pid))
            del self._ended[:_FORMER]

    def entity(self, pid: int, start: int) -> str:
        """Name a process for good, by its start to the tick: what /proc tells anyone who asks."""
        return entity_id(self._clock.boot, start // TICK_NS * TICK_NS, pid)

    def _describe(self, record: Record, process: Process) -> Fields:
        fields: Fields = {
            **self._host,
            "process.entity_id": process.entity,
            "process.pid": record.tgid,
            "process.name": record.comm.split(b"\0", 1)[0].decode(errors="replace"),
            "process.start": self._clock.started(record.start),
            "user.id": str(record.uid),
            "cgroup.id": record.cgroup,
        }
        if process.executable:
            fields["process.executable"] = process.executable
        if record.parent:
            fields["process.parent.pid"] = record.parent
            fields["process.parent.entity_id"] = self.entity(record.parent, record.parent_start)
        return fields


def _executable(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/exe").readlink())
    except OSError:
        return ""
