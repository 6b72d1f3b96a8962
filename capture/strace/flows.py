"""Bytes moved, added up for each process, descriptor and direction, as the kernel source does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from workbench.event import Value, order

_INTERVAL_NS = 100_000_000

Way = tuple[bool, str]
"""Whether data leaves the process, and what the descriptor stands for."""


@dataclass
class _Flow:
    event: dict[str, Value]
    sent: int
    first: int = 0
    last: int = 0
    bytes: int = 0
    operations: int = 0


@dataclass
class Flows:
    """Tells the first operation on a descriptor at once, and what follows at intervals and at its end."""

    _flows: dict[int, dict[int, dict[Way, _Flow]]] = field(default_factory=dict)  # by process and descriptor

    def add(self, pid: int, fd: int, way: Way, event: dict[str, Value], size: int) -> dict[str, Value] | None:
        """Add an operation; gives the event that is due."""
        time = order(event)[0]
        ways = self._flows.setdefault(pid, {}).setdefault(fd, {})
        flow = ways.get(way)
        due = flow is None or time - flow.sent >= _INTERVAL_NS
        if flow is None:
            flow = ways[way] = _Flow(event, time)
        flow.first = flow.first or time
        flow.last = time
        flow.bytes += size
        flow.operations += 1
        flow.event = event
        return _tell(flow) if due else None

    def close(self, pid: int, fd: int | None = None) -> list[dict[str, Value]]:
        """Give what a descriptor, or all of a process, had gathered and not told."""
        if fd is None:
            return _told(self._flows.pop(pid, {}).values())
        return _told([self._flows.get(pid, {}).pop(fd, {})])

    def settle(self) -> list[dict[str, Value]]:
        """Give what all had gathered and not told."""
        return [told for descriptors in self._flows.values() for told in _told(descriptors.values())]


def _told(descriptors: Iterable[dict[Way, _Flow]]) -> list[dict[str, Value]]:
    return [_tell(flow) for ways in descriptors for flow in ways.values() if flow.operations]


def _tell(flow: _Flow) -> dict[str, Value]:
    event = {
        **flow.event,
        "@timestamp": flow.last,
        "event.start": flow.first,
        "event.end": flow.last,
        "event.duration": flow.last - flow.first,
        "io.bytes": flow.bytes,
        "io.operations": flow.operations,
    }
    if event["event.category"] == "network":
        event["network.bytes"] = flow.bytes
    flow.sent, flow.first, flow.bytes, flow.operations = flow.last, 0, 0, 0
    return event
