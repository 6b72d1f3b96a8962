"""What ties events together beyond a field's value: lines of descent, and the origin of data."""

from __future__ import annotations

from workbench.event import Event
from workbench.scorer.enrich.lineage import Lineage
from workbench.scorer.enrich.provenance import Provenance

MAX_LINE = 64
"""The most processes of a line of descent that are followed."""


class Links:
    """Answers from the lineage and provenance stages; without them, from the event alone."""

    def __init__(self, lineage: Lineage | None = None, provenance: Provenance | None = None) -> None:
        self._lineage = lineage
        self._provenance = provenance

    def line(self, event: Event) -> list[str]:
        """Give the event's process and its ancestors by entity id, nearest first."""
        entity = str(event.get("process.entity_id", ""))
        parent = str(event.get("process.parent.entity_id", ""))
        line = [entity] if entity else []
        while line and parent and parent not in line and len(line) < MAX_LINE:
            line.append(parent)
            process = self._lineage.process(parent) if self._lineage else None
            parent = process.parent if process else ""
        return line

    def origins(self, event: Event) -> list[str]:
        """Give the ids of the events by which the labelled data that the event's process holds came."""
        entity = str(event.get("process.entity_id", ""))
        if not entity or not self._provenance:
            return []
        return sorted(origin for origin in self._provenance.origins(entity) if origin)
