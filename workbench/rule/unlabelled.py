"""Rules that ask for labelled data where no rule labels any."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from workbench.scorer.plan import Plan

_LABELS = "provenance.labels"


def unlabelled(plan: Plan) -> dict[int, str]:
    """Give the rules that stay silent for want of a label, by number, with the labels they would do with.

    A step's want is that of the correlation too.
    """
    given = {rule.label for rule in plan.rules if rule.label}
    found: dict[int, str] = {}
    for number, rule in enumerate(plan.rules):
        if rule.correlation is None:
            asked = {label.removeprefix("possible_") for label in _asked(plan, rule.condition)}
            if asked and asked.isdisjoint(given):
                found[number] = " or ".join(sorted(asked))
        elif rule.correlation.link == "provenance" and not given:
            found[number] = "any"
        else:
            wants = [found[step] for step in rule.correlation.rules if step in found]
            if wants:
                found[number] = wants[0]
    return found


def _asked(plan: Plan, condition: Any, *, wanted: bool = True) -> Iterator[str]:
    """Give the labels that a condition asks for, not those it forbids."""
    if isinstance(condition, int):
        predicate = plan.predicates[condition]
        if wanted and predicate.field == _LABELS and predicate.op == "equals":
            yield str(predicate.value)
        return
    operator, *parts = condition
    for part in parts:
        yield from _asked(plan, part, wanted=wanted != (operator == "not"))
