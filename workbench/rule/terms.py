"""Extended correlation conditions to the plan's terms."""

from __future__ import annotations

from itertools import product

from sigma.correlations import (
    CorrelationConditionAND,
    CorrelationConditionItem,
    CorrelationConditionNOT,
    SigmaRuleReference,
)

from workbench.rule.values import ValueFault
from workbench.scorer.plan import Term

MAX_TERMS = 64

_Way = tuple[frozenset[str], frozenset[str]]  # names that must be seen, names that must not


def terms_of(tree: CorrelationConditionItem | SigmaRuleReference, names: list[str]) -> tuple[Term, ...]:
    """Give the ways to satisfy a condition over rule names; positions count into `names`.

    Raises ValueFault when there are more than 64, or one that nothing happening would satisfy.
    """
    ways = dict.fromkeys(way for way in _ways(tree, wanted=True) if not way[0] & way[1])
    if not ways:
        raise ValueFault(
            "the condition can never hold", "correlation", "a rule is both wanted and not wanted"
        )
    if any(not seen for seen, _ in ways):
        raise ValueFault(
            "the condition holds when nothing happens",
            "correlation",
            "name a rule that must match, or use `workbench: absent:`",
        )
    position = {name: number for number, name in enumerate(names)}
    return tuple(
        Term(tuple(sorted(position[name] for name in seen)), tuple(sorted(position[name] for name in unseen)))
        for seen, unseen in ways
    )


def _ways(tree: CorrelationConditionItem | SigmaRuleReference, *, wanted: bool) -> list[_Way]:
    if isinstance(tree, SigmaRuleReference):
        name = frozenset([tree.reference])
        return [(name, frozenset())] if wanted else [(frozenset(), name)]
    if isinstance(tree, CorrelationConditionNOT):
        return _ways(tree.args[0], wanted=not wanted)
    parts = [_ways(part, wanted=wanted) for part in tree.args]
    if isinstance(tree, CorrelationConditionAND) is not wanted:
        return _few([way for part in parts for way in part])
    joined: list[_Way] = [(frozenset(), frozenset())]
    for part in parts:
        joined = _few([(a | c, b | d) for (a, b), (c, d) in product(joined, part)])
    return joined


def _few(ways: list[_Way]) -> list[_Way]:
    if len(ways) > MAX_TERMS:
        raise ValueFault(
            f"the condition has more than {MAX_TERMS} ways to hold",
            "correlation",
            "split it into several rules",
        )
    return ways
