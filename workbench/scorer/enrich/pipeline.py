"""The stages before matching, in their fixed order; provenance follows once the labelling rules have matched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.event import Value
from workbench.scorer.enrich.attribution import Attribution
from workbench.scorer.enrich.destinations import Destinations
from workbench.scorer.enrich.drift import Drift
from workbench.scorer.enrich.intrinsic import Intrinsic
from workbench.scorer.enrich.lineage import Lineage


class Enrichment:
    """Adds lineage, attribution, destination, intrinsic risk and drift to a copy of each event.

    `registries` holds the tables `agents`, `destinations` and `intrinsic`; `baselines` are frozen ones.
    """

    def __init__(self, registries: Mapping[str, Any], baselines: Sequence[Mapping[str, Any]] = ()) -> None:
        self.stages = {
            "lineage": Lineage(),
            "attribution": Attribution(registries["agents"]),
            "destinations": Destinations(registries["destinations"]),
            "intrinsic": Intrinsic(registries["intrinsic"]),
            "drift": Drift(baselines),
        }
        self._applies = [stage.apply for stage in self.stages.values()]

    def apply(self, event: Mapping[str, Value]) -> dict[str, Value]:
        """Give a copy of the event with what the stages know of it."""
        enriched = dict(event)
        for apply in self._applies:
            apply(enriched)
        return enriched

    def snapshot(self) -> dict[str, Any]:
        """Give the stages' states as plain data."""
        return {name: stage.snapshot() for name, stage in self.stages.items()}

    def restore(self, data: Mapping[str, Any]) -> None:
        """Take up a state that `snapshot` gave."""
        for name, stage in self.stages.items():
            stage.restore(data[name])
