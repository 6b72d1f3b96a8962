"""Lineage: which process is which, who started it, and what ran above it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from workbench.event import entity_id
from workbench.scorer.enrich.bounded import Bounded

MAX_DEPTH = 16
_MAX_PROCESSES = 65_536
_MAX_CHARACTERS = 1 << 26


class Process(msgspec.Struct, gc=False):
    """What is known of one process; `parent` is the entity that forked it, whoever adopted it since.

    `below` counts its children that live, or have such children.
    """

    pid: int
    parent: str = ""
    name: str = ""
    executable: str = ""
    command_line: str = ""
    ancestry: list[str] = []
    below: int = 0
    exited: bool = False

    @property
    def over(self) -> bool:
        """Whether neither it nor anything below it lives."""
        return self.exited and not self.below


class Lineage:
    """Follows fork, exec and exit; gives each later event of a process its executable, parent and ancestry.

    A process is its `process.entity_id`, so a pid used again is another process. Its parent is the process
    that forked it, even after the kernel gave it to another. An event whose source names processes by pid
    alone gets the entity id of the process that has that pid now. Processes are forgotten, exited ones first,
    beyond `max_processes`, and when their command lines together are longer than `max_characters`. One that
    has exited is remembered while anything below it lives, and a while longer for events that come late.
    """

    def __init__(self, *, max_processes: int = _MAX_PROCESSES, max_characters: int = _MAX_CHARACTERS) -> None:
        self._processes: Bounded[str, Process] = Bounded(max_processes)
        self._current: Bounded[int, str] = Bounded(max_processes)
        self._max_characters = max_characters
        self._characters = 0

    def anew(self) -> Lineage:
        """Give a stage that has seen nothing."""
        return Lineage(max_processes=self._processes.cap, max_characters=self._max_characters)

    @property
    def evicted(self) -> int:
        """How many processes were forgotten for lack of room."""
        return self._processes.evicted

    def process(self, entity: str) -> Process | None:
        """Give what is known of a process, or None."""
        return self._processes.peek(entity)

    def apply(self, event: dict[str, Any]) -> None:
        """Add process.executable, .name, .command_line, .parent.* and .ancestry, and learn from the event."""
        entity = event.get("process.entity_id")
        if entity is None:
            pid = event.get("process.pid")
            if pid is None:
                return
            entity = event["process.entity_id"] = self._entity_of(pid, event)
        process = self._processes.get(entity)
        if process is None:
            process = self._first_sight(entity, event)
        if event["event.category"] == "process":
            action = event["event.action"]
            if action == "exec":
                self._exec(process, event)
            elif action == "fork":
                self._fork(entity, process, event)
            elif action == "exit":
                self._exit(entity, process)
        self._complete(process, event)

    def _entity_of(self, pid: int, event: Mapping[str, Any]) -> str:
        entity = self._current.get(pid)
        if entity is None:
            entity = entity_id(event.get("host.id", ""), event["@timestamp"], pid)
            self._current.put(pid, entity)
        return entity

    def _first_sight(self, entity: str, event: Mapping[str, Any]) -> Process:
        pid = event.get("process.pid", 0)
        parent = event.get("process.parent.entity_id")
        if parent is None and "process.parent.pid" in event:
            parent = self._current.peek(event["process.parent.pid"])
        process = Process(pid=pid, parent=parent or "", name=event.get("process.name", ""))
        if event["event.action"] != "exec":
            process.executable = event.get("process.executable", "")
            process.command_line = event.get("process.command_line", "")
        self._inherit(process)
        self._keep(entity, process)
        self._current.put(pid, entity)
        return process

    def _keep(self, entity: str, process: Process) -> None:
        gone = self._processes.put(entity, process)
        above = self._processes.peek(process.parent)
        if above is not None:
            above.below += 1
        if gone is not None:
            self._forgotten(gone)
        self._count(len(process.command_line))

    def _count(self, characters: int) -> None:
        """Count characters of command lines; when there are too many, forget processes."""
        self._characters += characters
        while self._characters > self._max_characters and len(self._processes) > 1:
            self._forgotten(self._processes.forget())

    def _forgotten(self, process: Process) -> None:
        self._characters -= len(process.command_line)
        if not process.over:  # else that was told when it was retired
            self._ended_below(process.parent)

    def _ended_below(self, entity: str) -> None:
        """Note that a child has exited, and all below it; retire each ancestor that waited for no more."""
        process = self._processes.peek(entity)
        while process is not None and process.below:
            process.below -= 1
            if not process.over:
                return
            self._retire(entity)
            entity = process.parent
            process = self._processes.peek(entity)

    def _retire(self, entity: str) -> None:
        gone = self._processes.retire(entity)
        if gone is not None:
            self._characters -= len(gone.command_line)

    def _inherit(self, process: Process) -> None:
        parent = self._processes.peek(process.parent)
        if parent is not None:
            process.ancestry = [parent.executable or parent.name, *parent.ancestry[: MAX_DEPTH - 1]]

    def _fork(self, entity: str, process: Process, event: dict[str, Any]) -> None:
        pid = event.get("process.target.pid")
        if pid is None:
            return
        child = event.get("process.target.entity_id")
        if child is None:
            child = event["process.target.entity_id"] = entity_id(
                event.get("host.id", ""), event["@timestamp"], pid
            )
        born = self._processes.get(child)
        if born is None:
            born = Process(pid, entity, process.name, process.executable, process.command_line)
            self._keep(child, born)
            self._current.put(pid, child)
        elif born.parent != entity:  # its own first event came before this one
            if not born.over:
                process.below += 1
                self._ended_below(born.parent)
            born.parent = entity
        self._inherit(born)

    def _exec(self, process: Process, event: dict[str, Any]) -> None:
        if event.get("event.outcome") == "failure":
            return
        args = event.get("process.args")
        if "process.command_line" not in event and args:
            event["process.command_line"] = " ".join(args)
        if "process.executable" not in event and "file.path" in event:
            event["process.executable"] = event["file.path"]
        process.executable = event.get("process.executable", "")
        line = event.get("process.command_line", "")
        self._count(len(line) - len(process.command_line))
        process.command_line = line
        process.name = event.get("process.name") or process.executable.rpartition("/")[2][:15]

    def _exit(self, entity: str, process: Process) -> None:
        if self._current.peek(process.pid) == entity:
            self._current.pop(process.pid)
        if process.exited:
            return
        process.exited = True
        if process.over:
            self._retire(entity)
            self._ended_below(process.parent)

    def _complete(self, process: Process, event: dict[str, Any]) -> None:
        if process.executable and "process.executable" not in event:
            event["process.executable"] = process.executable
        if process.command_line and "process.command_line" not in event:
            event["process.command_line"] = process.command_line
        if process.name and "process.name" not in event:
            event["process.name"] = process.name
        if process.ancestry and "process.ancestry" not in event:
            event["process.ancestry"] = process.ancestry
        named = event.get("process.parent.entity_id")
        if named is None:
            pid = event.get("process.parent.pid")
            named = process.parent if pid is None else self._current.peek(pid)
        parent = self._processes.peek(named) if named else None
        if parent is None:
            return
        if "process.parent.entity_id" not in event:
            event["process.parent.entity_id"] = named
        if "process.parent.pid" not in event:
            event["process.parent.pid"] = parent.pid
        if parent.name and "process.parent.name" not in event:
            event["process.parent.name"] = parent.name
        if parent.executable and "process.parent.executable" not in event:
            event["process.parent.executable"] = parent.executable
        if parent.command_line and "process.parent.command_line" not in event:
            event["process.parent.command_line"] = parent.command_line

    def snapshot(self) -> dict[str, Any]:
        """Give the state as plain data."""
        return {
            "processes": {entity: msgspec.structs.astuple(p) for entity, p in self._processes.items()},
            "exited": list(self._processes.retired()),
            "current": [list(item) for item in self._current.items()],
            "evicted": self.evicted,
        }

    def restore(self, data: Mapping[str, Any]) -> None:
        """Take up the state that `snapshot` gave."""
        self._processes.clear()
        self._current.clear()
        self._characters = 0
        for entity, fields in data["processes"].items():
            process = Process(*fields)
            self._characters += len(process.command_line)
            gone = self._processes.put(entity, process)
            if gone is not None:
                self._forgotten(gone)
        for entity in data["exited"]:
            self._retire(entity)
        self._count(0)
        for pid, entity in data["current"]:
            self._current.put(pid, entity)
        self._processes.evicted = data["evicted"]
