"""Who started whom in a recording."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.event import Event


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
