"""The processes of the traced trees: who descends from whom, and for which tool call."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from workbench.event import Event, integer

_TOLD = (
    "process.parent.entity_id",
    "attribution.actor",
    "gen_ai.tool.call.id",
    "process.name",
    "gen_ai.conversation.id",
)
_MOST = 65_536
_MOST_ENDED = 4_096


@dataclass(eq=False)
class Process:
    """One traced process; `entity` names it for good, `pid` only while it lives.

    `told` is what its last event said of it, which most events say again.
    """

    entity: str
    pid: int
    parent: str = ""
    actor: str = ""
    call: str = ""
    name: str = ""
    session: str = ""
    told: tuple[object, ...] = ()
    children: set[str] = field(default_factory=set)


class Tree:
    """Follows events; knows the last `most` processes, and of those that have ended the last `most_ended`."""

    def __init__(self, most: int = _MOST, most_ended: int = _MOST_ENDED) -> None:
        self._processes: OrderedDict[str, Process] = OrderedDict()
        self._most, self._most_ended = most, most_ended
        self._living: OrderedDict[str, Process] = OrderedDict()
        self._ended: deque[str] = deque()
        self._by_pid: dict[int, str] = {}
        self.roots: set[str] = set()
        self.evicted = 0

    def get(self, entity: str) -> Process | None:
        """Give a process that is known."""
        return self._processes.get(entity)

    def follow(self, event: Event) -> None:
        """Learn from an enriched event."""
        entity = str(event.get("process.entity_id", ""))
        if not entity:
            return
        if event["event.category"] == "agent":
            if event["event.action"] == "session_start":
                self.roots.add(entity)
            return
        process = self._processes.get(entity) or self._add(entity, integer(event, "process.pid"))
        if (told := tuple(map(event.get, _TOLD))) != process.told:
            process.told = told
            self._learn(process, *(str(value or "") for value in told))
        action = event["event.action"]
        if action == "fork" and (child := str(event.get("process.target.entity_id", ""))):
            born = self._processes.get(child) or self._add(child, integer(event, "process.target.pid"))
            born.parent, born.call, born.session, born.told = entity, process.call, process.session, ()
            process.children.add(child)
        elif action == "exit":
            self._living.pop(entity, None)
            self._ended.append(entity)
            if len(self._ended) > self._most_ended:
                self._forget(self._ended.popleft())

    def _learn(self, process: Process, parent: str, actor: str, call: str, name: str, session: str) -> None:
        if parent and not process.parent:
            process.parent = parent
            if parent in self._processes:
                self._processes[parent].children.add(process.entity)
        process.actor, process.call = actor or process.actor, call or process.call
        process.name, process.session = name or process.name, session or process.session

    def _add(self, entity: str, pid: int) -> Process:
        process = self._processes[entity] = self._living[entity] = Process(entity, pid)
        self._by_pid[pid] = entity
        if len(self._processes) > self._most:
            self.evicted += 1
            self._forget(self._ended.popleft() if self._ended else next(iter(self._processes)))
        return process

    def _forget(self, entity: str) -> None:
        """Drop a process; what it had started and still runs becomes its parent's."""
        old = self._processes.pop(entity, None)
        if old is None:
            return
        self.roots.discard(entity)
        self._living.pop(entity, None)
        if self._by_pid.get(old.pid) == entity:
            del self._by_pid[old.pid]
        parent = self._processes.get(old.parent)
        for child in old.children:
            if orphan := self._processes.get(child):
                orphan.parent = old.parent
        if parent is not None:
            parent.children.discard(entity)
            parent.children |= old.children & self._processes.keys()

    def in_turn(self, most: int) -> list[Process]:
        """Give up to `most` of the processes that have not ended, at each call the next."""
        living = list(islice(self._living.values(), most))
        for process in living:
            self._living.move_to_end(process.entity)
        return living

    def living(self, session: str) -> Iterator[Process]:
        """Give the processes of a session that have not ended, as far as events told."""
        return (process for process in self._living.values() if process.session == session)

    def by_pid(self, pid: int) -> Process | None:
        """Give the process that has, or last had, an id."""
        return self._processes.get(self._by_pid.get(pid, ""))

    def offender(self, entity: str) -> str:
        """Give the top of what is to be ended for what a process did.

        That is the whole command the agent ran, so that a pipeline ends with all its parts: the highest
        process below the agent, or below the session's root where no agent is known, and of the same tool
        call. For what the agent itself did, it is the agent.
        """
        top = self._processes.get(entity)
        if top is None or top.actor == "agent" or entity in self.roots:
            return entity
        while (above := self._processes.get(top.parent)) and above.entity not in self.roots:
            if above.actor == "agent" or (above.call and top.call and above.call != top.call):
                break
            top = above
        return top.entity

    def below(self, entity: str) -> list[Process]:
        """Give a process and all that descend from it, parents first."""
        names = [entity]
        for name in names:
            known = self._processes.get(name)
            names += known.children if known else ()
        return [process for name in names if (process := self._processes.get(name))]
