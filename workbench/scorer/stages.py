"""The enrichment stages that a pack has the data for, in their fixed order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any, Self

from workbench.event import Event, Value
from workbench.fields import ACTIONS
from workbench.scorer.enrich.attribution import Attribution
from workbench.scorer.enrich.destinations import Destinations
from workbench.scorer.enrich.drift import Drift
from workbench.scorer.enrich.intrinsic import Intrinsic
from workbench.scorer.enrich.lineage import Lineage
from workbench.scorer.enrich.provenance import Provenance
from workbench.scorer.enrich.recipients import Recipients
from workbench.scorer.links import Links
from workbench.scorer.payload import Payload


class Stages:
    """Lineage, attribution, recipients, destinations, risk and drift; provenance after the labelling rules.

    A stage whose table or baseline the pack does not carry is left out; so is provenance when no rule labels.
    """

    def __init__(self, payload: Payload) -> None:
        registries = payload.registries
        self._stages: dict[str, Any] = {"lineage": Lineage()}
        if "agents" in registries:
            self._stages["attribution"] = Attribution(registries["agents"])
        self._stages["recipients"] = Recipients()
        if "destinations" in registries:
            self._stages["destinations"] = Destinations(registries["destinations"])
        if "intrinsic" in registries:
            self._stages["intrinsic"] = Intrinsic(registries["intrinsic"])
        if payload.baselines:
            self._stages["drift"] = Drift(payload.baselines)
        if any(rule.label for rule in payload.plan.rules):
            self._stages["provenance"] = Provenance()
        self._connect()

    def _connect(self) -> None:
        self._drift: Drift | None = self._stages.get("drift")
        self._provenance: Provenance | None = self._stages.get("provenance")
        self._all = [stage.apply for name, stage in self._stages.items() if name != "provenance"]
        self._applies: dict[tuple[Value, Value], list[Callable[[dict[str, Value]], None]]] = {
            (category, action): [
                stage.apply for name, stage in self._stages.items() if self._concerns(name, category, action)
            ]
            for category, actions in ACTIONS.items()
            for action in actions
        }
        self.links = Links(self._stages["lineage"], self._provenance)

    def _concerns(self, name: str, category: str, action: str) -> bool:
        kinds = getattr(self._stages[name], "kinds", None)
        return name != "provenance" and (kinds is None or (category, action) in kinds)

    def anew(self) -> Self:
        """Give stages of the same pack that have seen nothing; what was compiled is shared."""
        other = copy(self)
        other._stages = {name: stage.anew() for name, stage in self._stages.items()}
        other._connect()
        return other

    def apply(self, event: dict[str, Value]) -> None:
        """Add to the event what does not depend on labels."""
        kind = event["event.category"], event["event.action"]
        for apply in self._applies.get(kind, self._all):
            apply(event)

    def follow(self, event: dict[str, Value], labels: Sequence[str]) -> None:
        """Give the labels to the event's data, and the labels of the data to the event."""
        if self._provenance:
            self._provenance.apply(event, labels)

    def end(self, session: str, time: int, *, alerted: bool) -> None:
        """Tell the stages that learn that a session is over, at `time` (ns since 1970), and how it went."""
        if self._drift:
            self._drift.end(session, time, alerted=alerted)

    def path(self, event: Event) -> list[str]:
        """Tell the way of the labelled data that the event's process holds, a line each hop."""
        labels, entity = event.get("provenance.labels"), event.get("process.entity_id")
        if not self._provenance or not isinstance(labels, list) or not entity:
            return []
        hops = [hop for label in labels for hop in self._provenance.path(str(entity), label)]
        return list(
            dict.fromkeys(f"{hop.action} {hop.source} → {hop.target} ({hop.confidence:.2f})" for hop in hops)
        )

    def counts(self) -> dict[str, int]:
        """Give what the stages had to forget."""
        return {f"{name}_evicted": getattr(stage, "evicted", 0) for name, stage in self._stages.items()}

    def snapshot(self) -> dict[str, Any]:
        """Give the stages' states as plain data."""
        return {name: stage.snapshot() for name, stage in self._stages.items()}

    def restore(self, data: Mapping[str, Any]) -> None:
        """Take up the states of the stages that are still here."""
        for name, stage in self._stages.items():
            if name in data:
                for part, own in stage.snapshot().items():
                    if not isinstance(
                        data[name][part], (list, tuple) if isinstance(own, list | tuple) else type(own)
                    ):
                        raise TypeError(f"{name}: {part} is no {type(own).__name__}")
                stage.restore(data[name])
