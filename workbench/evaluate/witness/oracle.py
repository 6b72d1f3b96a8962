"""A few rules of a plan, with what they rest on and nothing else: quick to ask again and again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from workbench.event import Event
from workbench.rule.vectors import payload_of
from workbench.scorer import Scorer
from workbench.scorer.correlator import SESSION
from workbench.scorer.hits import Hit, hits_at_close, hits_of
from workbench.scorer.plan import OWN, Plan, rules_by_data


class Oracle:
    """Which of the rules `numbers` of a plan fire on events, seen by a scorer that has seen nothing else."""

    def __init__(self, plan: Plan, numbers: Sequence[int], registries: Mapping[str, Any]) -> None:
        kept = _needed(plan, numbers)
        self.plan = _excerpt(plan, kept)
        self.of = {number: kept.index(number) for number in numbers}
        self._scorer = Scorer(payload_of(self.plan, registries))

    def hits(self, events: Iterable[Event]) -> Iterator[Hit]:
        """Give all that matches on the events, rules that make no finding among them."""
        scorer = self._scorer.anew()
        for event in events:
            yield from hits_of(scorer, event)
        yield from hits_at_close(scorer)

    def fires(self, number: int, events: Iterable[Event]) -> bool:
        """Whether the rule of this number in the whole plan fires."""
        return any(hit.rule == self.of[number] for hit in self.hits(events))

    def completions(self, number: int, events: Sequence[Event]) -> list[str]:
        """Give which of the events, numbered from 1, the rule fires on."""
        numbered = [{**event, "event.id": str(place)} for place, event in enumerate(events, 1)]
        return [hit.event_id for hit in self.hits(numbered) if hit.rule == self.of[number]]

    def looked_at(self) -> frozenset[str]:
        """Give the fields that the rules themselves look at."""
        fields = {predicate.field for predicate in self._predicates()}
        fields |= {predicate.value[0] for predicate in self._predicates() if predicate.op == "fieldref"}
        for rule in self.plan.rules:
            if rule.correlation:
                fields |= {name for names in rule.correlation.group for name in names if name[:1] != OWN}
                fields |= {SESSION, *rule.correlation.values}
        return frozenset(fields)

    def _predicates(self) -> Iterator[Any]:
        for rule in self.plan.rules:
            if rule.correlation is None:
                yield from (self.plan.predicates[leaf] for leaf in self.plan.leaves(rule.condition))


def _needed(plan: Plan, numbers: Iterable[int]) -> list[int]:
    """Give the rules, those they name, and when they speak of labelled data those that label; in order."""
    needed: set[int] = set()
    waiting = list(numbers)
    while waiting:
        number = waiting.pop()
        if number not in needed:
            needed.add(number)
            correlation = plan.rules[number].correlation
            waiting += correlation.rules + correlation.absent if correlation else ()
    if not rules_by_data(plan).isdisjoint(needed):
        needed |= {number for number, rule in enumerate(plan.rules) if rule.label}
    return sorted(needed)


def _excerpt(plan: Plan, kept: Sequence[int]) -> Plan:
    place = {number: position for position, number in enumerate(kept)}
    rules = []
    for number in kept:
        rule = plan.rules[number]
        if rule.correlation:
            named = tuple(place[step] for step in rule.correlation.rules)
            absent = tuple(place[step] for step in rule.correlation.absent)
            correlation = msgspec.structs.replace(rule.correlation, rules=named, absent=absent)
            rule = msgspec.structs.replace(rule, correlation=correlation)
        rules.append(rule)
    return Plan(plan.predicates, tuple(rules))
