"""Provenance: where the data that a process holds came from, followed hop by hop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from workbench.scorer.enrich.bounded import Bounded
from workbench.scorer.enrich.channels import Channels
from workbench.scorer.enrich.taint import Hop, Step, Taint, Ways
from workbench.scorer.enrich.things import Things

CONFIDENCE: Mapping[str, float] = {
    "mark": 1.0,  # the labelled thing itself
    "open": 0.7,  # opened for reading: the read is still to come
    "read": 0.95,
    "observe": 0.9,  # a labelling rule on anything but a read, such as a receive
    "write": 0.8,  # what was written may be other than what was read
    "fork": 0.9,  # a copy of the memory
    "fork_agent": 0.3,  # an agent's memory is large, and its tools are many
    "exec": 0.6,  # only arguments, environment and open files remain
    "image": 0.95,  # the process runs what the file holds
    "trace": 0.6,
    "connect": 0.5,  # connected, not yet sent
    "channel": 0.9,
    "port": 0.5,  # another client of the same port may have been meant
}
"""How sure a hop is; judged by hand, replaceable."""

_MAX_PROCESSES = 65_536
_MAX_THINGS = 65_536
_NOT_DATA = ("/dev/null", "/dev/tty", "/dev/pts/", "/dev/ptmx", "/dev/zero", "/dev/full", "/proc/", "/sys/")
_HOLDS_NOTHING = ("device", "other")
"""`other` are eventfds and the like: counters without content, of which all on a host share one inode."""
_MAKES = frozenset({"write", "create", "mmap_write", "rename", "link", "chmod", "chown", "delete"})


class Provenance:
    """Carries labels through processes, files, pipes, sockets and memfds.

    A labelled read labels the process; fork inherits; exec keeps with less confidence; a write labels the
    file, pipe or channel; a read from it labels the reader. Files are device and inode, or the path where the
    source tells neither. Only labelled holders are kept. `confidence` replaces the hops' confidences.
    """

    def __init__(
        self,
        confidence: Mapping[str, float] | None = None,
        *,
        max_processes: int = _MAX_PROCESSES,
        max_things: int = _MAX_THINGS,
    ) -> None:
        self._confidence = {**CONFIDENCE, **(confidence or {})}
        self._processes: Bounded[str, Taint] = Bounded(max_processes)
        self._things = Things(max_things)
        self._channels = Channels(max_things)
        self._flows: dict[tuple[str, str], Callable[[dict[str, Any], str], None]] = {
            ("process", "fork"): self._fork,
            ("process", "exec"): self._exec,
            ("process", "exit"): self._exit,
            ("process", "ptrace"): self._trace,
            ("file", "open"): self._open,
            ("file", "read"): self._read,
            ("file", "write"): self._write,
            ("file", "mmap_write"): self._write,
            ("file", "create"): self._create,
            ("file", "rename"): self._rename,
            ("file", "link"): self._link,
            ("file", "delete"): self._delete,
            **{
                ("network", action): self._network
                for action in ("bind", "connect", "accept", "send", "receive")
            },
        }

    def anew(self) -> Provenance:
        """Give a stage with the same confidences that has seen nothing."""
        return Provenance(self._confidence, max_processes=self._processes.cap, max_things=self._things.cap)

    @property
    def evicted(self) -> int:
        """How many labelled processes and things were forgotten for lack of room."""
        return self._processes.evicted + self._things.evicted + self._channels.evicted

    def apply(self, event: dict[str, Any], labels: Sequence[str]) -> None:
        """Follow the data of one event; `labels` are those of the labelling rules that matched it."""
        entity = event.get("process.entity_id")
        if entity is None:
            return
        if event.get("event.outcome") != "failure":
            if labels:
                self._label(event, entity, labels)
            flow = self._flows.get((event["event.category"], event["event.action"]))
            if flow is not None:
                flow(event, entity)
        taint = self._processes.get(entity)
        if taint is not None and "provenance.labels" not in event:
            labels, confidence, hops = taint.view()
            event |= {
                "provenance.labels": labels,
                "provenance.confidence": confidence,
                "provenance.hops": hops,
            }

    def path(self, entity: str, label: str) -> list[Hop]:
        """Give the hops by which `label` or `possible_<label>` came to a process; [] when it did not."""
        taint = self._processes.peek(entity)
        step = taint.steps.get(label.removeprefix("possible_")) if taint is not None else None
        return step.way() if step is not None else []

    def origins(self, entity: str) -> frozenset[str]:
        """Give the ids of the events by which the data that a process holds was first labelled, and came."""
        taint = self._processes.peek(entity)
        steps = taint.steps.values() if taint is not None else ()
        return frozenset(hop.event_id for step in steps for hop in step.way())

    # Labels enter.

    def _label(self, event: Mapping[str, Any], entity: str, labels: Iterable[str]) -> None:
        category, action = event["event.category"], event["event.action"]
        thing = self._things.key(event) if category == "file" else ""
        path = event.get("file.path", "") or thing
        if thing:
            known_as = event.get("file.original.path", path)
            mark = Step.first(self._hop(event, "mark", known_as, path, thing))
            self._things.add(event, [(label, mark) for label in labels])
        if category == "file" and (action in _MAKES or not _readable(event)):
            return
        kind = action if action in ("open", "read") else "observe"
        source = path or event.get("destination.domain") or event.get("destination.ip") or action
        first = Step.first(self._hop(event, kind, source, _name(event), entity))
        self._give(entity, [(label, first) for label in labels])

    # Labels move.

    def _fork(self, event: dict[str, Any], entity: str) -> None:
        child = event.get("process.target.entity_id")
        taint = self._processes.peek(entity)
        if taint is None or child is None:
            return
        kind = "fork_agent" if event.get("attribution.actor") == "agent" else "fork"
        target = f"{event.get('process.name', '')}({event.get('process.target.pid', '')})"
        self._pass(event, kind, taint, child, source=_name(event), target=target)

    def _exec(self, event: dict[str, Any], entity: str) -> None:
        taint = self._processes.pop(entity)
        if taint is not None:
            opened = [(label, step) for label, step in taint.steps.items() if step.hop.action == "file/open"]
            self._give(entity, opened)  # a shell opens what it redirects; the descriptor outlives the exec
            self._pass(event, "exec", taint, entity, source=_name(event), target=_name(event))
        image = self._things.get(event)
        if image is not None:
            self._pass(event, "image", image, entity, source=event.get("file.path", ""), target=_name(event))

    def _exit(self, event: dict[str, Any], entity: str) -> None:
        self._processes.retire(entity)

    def _trace(self, event: dict[str, Any], entity: str) -> None:
        taint = self._processes.peek(event.get("process.target.entity_id", ""))
        if taint is not None:
            traced = event.get("process.target.executable", "")
            self._pass(event, "trace", taint, entity, source=traced, target=_name(event))

    def _open(self, event: dict[str, Any], entity: str) -> None:
        flags = event.get("file.flags", ())
        if "truncate" in flags:
            self._things.emptied(event)
        elif not flags or "read" in flags:
            self._take(event, entity, "open")

    def _read(self, event: dict[str, Any], entity: str) -> None:
        self._take(event, entity, "read")
        if event.get("file.type") == "pipe":
            hop = self._hop(event, "read", "pipe", _name(event), entity)
            self._things.note_reader(event, entity, _end(event), hop)

    def _take(self, event: dict[str, Any], entity: str, kind: str) -> None:
        thing = self._things.get(event)
        if thing is not None:
            self._pass(
                event, kind, thing, entity, source=event.get("file.path") or "pipe", target=_name(event)
            )

    def _write(self, event: dict[str, Any], entity: str) -> None:
        taint = self._processes.peek(entity)
        path = event.get("file.path", "")
        if taint is None or event.get("file.type") in _HOLDS_NOTHING or path.startswith(_NOT_DATA):
            return
        held = taint.until(_end(event))
        if not held:
            return
        hop = self._hop(event, "write", _name(event), path or "pipe", self._things.key(event))
        steps = [(label, step.then(hop)) for label, step in held]
        self._things.add(event, steps)
        if event.get("file.type") == "pipe":  # its reader's event may have come first
            for reader, end, read in self._things.readers(event):
                self._give(reader, [(name, step.then(read)) for name, step in steps if hop.timestamp <= end])

    def _create(self, event: dict[str, Any], entity: str) -> None:
        self._things.created(event)

    def _rename(self, event: dict[str, Any], entity: str) -> None:
        self._things.renamed(event)

    def _link(self, event: dict[str, Any], entity: str) -> None:
        self._things.linked(event)

    def _delete(self, event: dict[str, Any], entity: str) -> None:
        self._things.deleted(event)

    def _network(self, event: dict[str, Any], entity: str) -> None:
        action = event["event.action"]
        channel = self._channels.of(event, entity)
        if channel is None:
            return
        if action in ("connect", "send"):
            taint = self._processes.peek(entity)
            if taint is not None:
                kind = "connect" if action == "connect" else "channel"
                hop = self._hop(event, kind, _name(event), channel.name, channel.out[0])
                steps = [(label, step.then(hop)) for label, step in taint.until(_end(event))]
                self._channels.add(channel, steps)
        if action in ("accept", "receive"):
            for kind, thing in self._channels.arriving(channel):
                self._pass(event, kind, thing, entity, source=channel.name, target=_name(event))

    # How they are carried.

    def _pass(
        self, event: Mapping[str, Any], kind: str, taint: Taint, entity: str, *, source: str, target: str
    ) -> None:
        hop = self._hop(event, kind, source, target, entity)
        self._give(entity, [(label, step.then(hop)) for label, step in taint.until(_end(event))])

    def _give(self, entity: str, steps: Iterable[tuple[str, Step]]) -> None:
        taint = self._processes.get(entity)
        for label, step in steps:
            if taint is None:
                taint = Taint()
                self._processes.put(entity, taint)
            taint.add(label, step)

    def _hop(self, event: Mapping[str, Any], kind: str, source: str, target: str, holder: str) -> Hop:
        time = event.get("event.start") or event["@timestamp"]
        action = f"{event['event.category']}/{event['event.action']}"
        return Hop(event.get("event.id", ""), time, action, source, target, holder, self._confidence[kind])

    def snapshot(self) -> dict[str, Any]:
        """Give the state as plain data."""
        ways = Ways()
        processes = [[entity, ways.write(taint)] for entity, taint in self._processes.items()]
        return {
            "processes": processes,
            "exited": list(self._processes.retired()),
            "things": self._things.snapshot(ways),
            "channels": self._channels.snapshot(ways),
            "ways": ways.rows,
            "evicted": self._processes.evicted,
        }

    def restore(self, data: Mapping[str, Any]) -> None:
        """Take up the state that `snapshot` gave."""
        ways = Ways()
        ways.read_rows(data["ways"])
        self._processes.clear()
        for entity, labels in data["processes"]:
            self._processes.put(entity, ways.read(labels))
        for entity in data["exited"]:
            self._processes.retire(entity)
        self._things.restore(data["things"], ways)
        self._channels.restore(data["channels"], ways)
        self._processes.evicted = data["evicted"]


def _readable(event: Mapping[str, Any]) -> bool:
    flags = event.get("file.flags")
    return not flags or "read" in flags


def _end(event: Mapping[str, Any]) -> int:
    end: int = event.get("event.end") or event["@timestamp"]
    return end


def _name(event: Mapping[str, Any]) -> str:
    return f"{event.get('process.name', '')}({event.get('process.pid', '')})"
