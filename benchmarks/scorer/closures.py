"""A straightforward engine to compare with: a closure a rule, every rule for every event.

It runs the same plan for detections, `temporal_ordered` without absence, and `event_count`, grouped by
fields. An event's texts are folded once for all rules.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any

import re2

from workbench.event import Event
from workbench.scorer.kind import kinds_of
from workbench.scorer.plan import Plan, Predicate

Texts = dict[str, str]
Test = Callable[[Texts, Texts], bool]
"""Takes an event's values as texts, and those casefolded."""


def predicate_test(predicate: Predicate) -> Test:  # noqa: PLR0911 - one for each operator
    """Give a predicate as a closure.

    Raises ValueError for a test that no rule of the workload has.
    """
    field, wanted = predicate.field, predicate.value

    match predicate.op:
        case "equals":
            folded = str(wanted).casefold()
            return lambda raw, texts: texts.get(field) == folded
        case "contains":
            folded = wanted.casefold()
            return lambda raw, texts: field in texts and folded in texts[field]
        case "startswith":
            folded = wanted.casefold()
            return lambda raw, texts: field in texts and texts[field].startswith(folded)
        case "endswith":
            folded = wanted.casefold()
            return lambda raw, texts: field in texts and texts[field].endswith(folded)
        case "regex":
            search = re2.compile(wanted).search
            return lambda raw, texts: field in raw and search(raw[field]) is not None
        case "like":
            signs = [
                re2.escape(part.casefold()) if isinstance(part, str) else (".*", ".")[part] for part in wanted
            ]
            fullmatch = re2.compile("(?s)" + "".join(signs)).fullmatch
            return lambda raw, texts: field in texts and fullmatch(texts[field]) is not None
        case "cidr":
            network = ip_network(wanted)
            return lambda raw, texts: field in raw and ip_address(raw[field]) in network
        case "null":
            return lambda raw, texts: field not in raw
    raise ValueError(f"the workload has no rule that tests by {predicate.op}")


def condition_test(plan: Plan, condition: Any) -> Test:
    """Give a condition as a closure."""
    if isinstance(condition, int):
        return predicate_test(plan.predicates[condition])
    operator, *parts = condition
    tests = [condition_test(plan, part) for part in parts]
    if operator == "not":
        return lambda raw, texts: not tests[0](raw, texts)
    if operator == "and":
        return lambda raw, texts: all(test(raw, texts) for test in tests)
    return lambda raw, texts: any(test(raw, texts) for test in tests)


class ClosureEngine:
    """Runs every rule of a plan over every event; findings are (rule id, event id)."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._tests = {
            number: (frozenset(rule.kinds), condition_test(plan, rule.condition))
            for number, rule in enumerate(plan.rules)
            if rule.correlation is None
        }
        self._pending: dict[int, list[Any]] = {
            number: [] for number, rule in enumerate(plan.rules) if rule.correlation
        }
        self._windows: dict[tuple[int, Any], deque[int]] = {}
        self._held: dict[tuple[int, Any], bool] = {}

    def score(self, event: Event) -> list[tuple[str, str]]:
        """Take one event; give what fires."""
        those = kinds_of(event)
        raw = {name: str(value) for name, value in event.items()}
        texts = {name: text.casefold() for name, text in raw.items()}
        matched = {
            number
            for number, (kinds, test) in self._tests.items()
            if not kinds.isdisjoint(those) and test(raw, texts)
        }
        found = [number for number in sorted(matched) if not self._plan.rules[number].silent]
        for number, pending in self._pending.items():
            correlation = self._plan.rules[number].correlation
            assert correlation is not None
            steps = [position for position, step in enumerate(correlation.rules) if step in matched]
            if not steps:
                continue
            group = tuple(event.get(name) for name in correlation.group[steps[0]])
            if correlation.type == "event_count":
                fired = self._count(number, group, event)
            else:
                fired = self._advance(pending, correlation, steps, group, event)
            if fired:
                found.append(number)
        return [(self._plan.rules[number].id, str(event["event.id"])) for number in found]

    def _count(self, number: int, group: Any, event: Event) -> bool:
        correlation = self._plan.rules[number].correlation
        assert correlation is not None
        now = int(event["@timestamp"])
        window = self._windows.setdefault((number, group), deque())
        window.append(now)
        while window[0] < now - correlation.timespan:
            window.popleft()
        held = self._held.get((number, group), False)
        holds = self._held[number, group] = len(window) >= correlation.threshold
        return holds and not held

    @staticmethod
    def _advance(pending: list[Any], correlation: Any, steps: list[int], group: Any, event: Event) -> bool:
        """Try every pending chain: each is [group, begun, events, next step]."""
        now = int(event["@timestamp"])
        last = len(correlation.rules) - 1
        pending[:] = [chain for chain in pending if chain[1] >= now - correlation.timespan]
        fired = None
        for step in sorted(steps, reverse=True):
            if step == 0:
                if fired is None:
                    pending[:] = [c for c in pending if not (c[0] == group and c[3] == 1)]
                    pending.append([group, now, [event["event.id"]], 1])
                continue
            before = next((c for c in pending if c[0] == group and c[3] == step), None)
            if before is None:
                continue
            chain = [group, before[1], [*before[2], event["event.id"]], step + 1]
            if step == last:
                fired = chain
                pending[:] = [c for c in pending if not (c[0] == group and set(c[2]) & set(chain[2]))]
            elif fired is None:
                kept = next((c for c in pending if c[0] == group and c[3] == step + 1), None)
                if kept is None or chain[1] >= kept[1]:
                    pending[:] = [c for c in pending if c is not kept]
                    pending.append(chain)
        return fired is not None
