"""What ties events together beyond a field's value: lines of descent, and the origin of data."""

from __future__ import annotations

from typing import Protocol

from workbench.event import Event

MAX_LINE = 64
"""The most processes of a line of descent that are followed."""


class Parents(Protocol):
    """Knows each process's parent, by entity id; "" or None when unknown."""

    def parent(self, entity: str) -> str | None:
        """Give the entity id of the parent."""


class Origins(Protocol):
    """Knows where the data that a process holds came from."""

    def origins(self, entity: str) -> list[str]:
        """Give a name for each origin of the labelled data a process holds."""


class Links:
    """Answers from the lineage and provenance stages; without them, from the event alone."""

    def __init__(self, parents: Parents | None = None, origins: Origins | None = None) -> None:
        self._parents = parents
        self._origins = origins

    def line(self, event: Event) -> list[str]:
        """Give the event's process and its ancestors, nearest first."""
        entity = event.get("process.entity_id")
        if not entity:
            return []
        line = [str(entity)]
        parent = event.get("process.parent.entity_id")
        while parent and parent not in line and len(line) < MAX_LINE:
            line.append(str(parent))
            parent = self._parents.parent(str(parent)) if self._parents else None
        return line

    def origins(self, event: Event) -> list[str]:
        """Give the origins of the labelled data that the event's process holds."""
        entity = event.get("process.entity_id")
        return self._origins.origins(str(entity)) if entity and self._origins else []
