"""Who started whom in a recording, and when each tool call was under way."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.event import Event, integer


class ProcessTree:
    """The processes of a recording, by their entity ids.

    >>> fork = {"event.action": "fork", "process.entity_id": "a", "process.target.entity_id": "b"}
    >>> ProcessTree([fork]).line("b")
    ['b', 'a']
    """

    def __init__(self, events: Sequence[Event]) -> None:
        self.parent: dict[str, str] = {}
        for event in events:
            entity = str(event.get("process.entity_id", ""))
            if event.get("event.action") == "fork" and "process.target.entity_id" in event:
                self.parent[str(event["process.target.entity_id"])] = entity
            elif entity and "process.parent.entity_id" in event:
                self.parent.setdefault(entity, str(event["process.parent.entity_id"]))

    def line(self, entity: str) -> list[str]:
        """Give the process and its ancestors, nearest first; a loop ends it."""
        line: dict[str, None] = {}
        while entity and entity not in line:
            line[entity] = None
            entity = self.parent.get(entity, "")
        return list(line)


def call_spans(events: Sequence[Event]) -> dict[str, tuple[int, int]]:
    """Give when each tool call began and ended, as the harness told; ns."""
    spans: dict[str, tuple[int, int]] = {}
    for event in events:
        call = str(event.get("gen_ai.tool.call.id", ""))
        if call and event["event.category"] == "agent":
            at = integer(event, "@timestamp")
            first, last = spans.get(call, (at, at))
            spans[call] = min(first, at), max(last, at)
    return spans
