"""Rules with one thing less to ask for: what fires such a rule and not the whole one just fails to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from workbench.scorer.correlator import SESSION
from workbench.scorer.plan import OWN, Correlation, Plan, Predicate, Rule

FORBIDDEN, OTHERWISE, APART = range(3)
"""Why it fails, the most telling first: by what must not be, another value, what ties events together."""

_TELLING = ("@timestamp", "attribution.actor", "control.", "process.exit_code")
"""Fields of few values, of which another one says something; that another file is opened says nothing."""

_NEARBY = (Predicate("destination.class", "null"), Predicate("destination.class", "equals", "loopback"))
"""Destinations that say as little."""


class Relaxed(NamedTuple):
    """A rule of `plan.rules[number]` that asks for less than rule `of`.

    `part` is the condition that was left out of detection `within`, None when a correlation lost something,
    which `words` then tell.
    """

    number: int
    of: int
    rank: int
    words: str = ""
    part: Any = None
    within: int = -1


def relax(plan: Plan, numbers: Iterable[int]) -> tuple[Plan, list[Relaxed]]:
    """Give the plan with all the relaxed rules of these added behind its own, and which they are."""
    return _Relaxing(plan).run(numbers)


class _Relaxing:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._predicates = [*plan.predicates, *_NEARBY]
        self._not_nearby = [["not", place] for place in range(len(plan.predicates), len(self._predicates))]
        self._rules = list(plan.rules)
        self._known: dict[int, list[Relaxed]] = {}

    def run(self, numbers: Iterable[int]) -> tuple[Plan, list[Relaxed]]:
        found = [relaxed for number in numbers for relaxed in self._of(number)]
        return Plan(tuple(self._predicates), tuple(self._rules)), found

    def _of(self, number: int) -> list[Relaxed]:
        if number not in self._known:
            rule = self._plan.rules[number]
            make = self._correlations if rule.correlation else self._detections
            self._known[number] = list(make(number, rule))
        return self._known[number]

    def _add(self, rule: Rule, **changed: Any) -> int:
        place = len(self._rules)
        self._rules.append(msgspec.structs.replace(rule, id=f"{rule.id}#{place}", label="", **changed))
        return place

    def _detections(self, number: int, rule: Rule) -> Iterator[Relaxed]:
        for part, rest in without_one(rule.condition):
            leaves = [self._plan.predicates[leaf] for leaf in self._plan.leaves(part)]
            if not isinstance(part, int) and part[0] == "not":
                rank, missed, looser = FORBIDDEN, part[1], rest
            elif all(leaf.op == "null" or (leaf.op == "exists" and not leaf.value) for leaf in leaves):
                rank, missed, looser = FORBIDDEN, part, rest
            elif all(leaf.field == _NEARBY[0].field for leaf in leaves):
                rank, missed, looser = OTHERWISE, part, ["and", rest, *self._not_nearby]
            elif all(leaf.field.startswith(_TELLING) for leaf in leaves):
                rank, missed, looser = OTHERWISE, part, rest
            else:
                continue
            place = self._add(rule, condition=looser)
            yield Relaxed(place, number, rank, part=missed, within=place)

    def _correlations(self, number: int, rule: Rule) -> Iterator[Relaxed]:
        correlation = rule.correlation
        assert correlation is not None
        for rank, words, changed in _looser(self._plan, correlation):
            yield Relaxed(self._add(rule, correlation=changed), number, rank, words)
        for position, step in enumerate(correlation.rules):
            if not any(position in term.every for term in correlation.terms) and correlation.terms:
                continue
            for relaxed in self._of(step):
                if relaxed.rank == APART:  # a group may be named further up
                    continue
                rules = (*correlation.rules[:position], relaxed.number, *correlation.rules[position + 1 :])
                place = self._add(rule, correlation=msgspec.structs.replace(correlation, rules=rules))
                yield relaxed._replace(number=place, of=number)


def without_one(condition: Any) -> Iterator[tuple[Any, Any]]:
    """Give each part of a condition that is joined by `and`, with the condition that is left without it.

    >>> list(without_one(["and", 0, ["not", 1]]))
    [(0, ['not', 1]), (['not', 1], 0)]
    >>> list(without_one(["or", 0, ["and", 1, 2]]))
    [(1, ['or', 0, 2]), (2, ['or', 0, 1])]
    """
    if isinstance(condition, int) or condition[0] == "not":
        return
    operator, *parts = condition
    for place, part in enumerate(parts):
        others = [*parts[:place], *parts[place + 1 :]]
        if operator == "and":
            yield part, others[0] if len(others) == 1 else ["and", *others]
        for left_out, rest in without_one(part):
            yield left_out, [operator, *parts[:place], rest, *parts[place + 1 :]]


def _looser(plan: Plan, correlation: Correlation) -> Iterator[tuple[int, str, Correlation]]:
    replace = msgspec.structs.replace
    if correlation.absent:
        yield FORBIDDEN, _titles(plan, correlation.absent), replace(correlation, absent=())
    unwanted = {position for term in correlation.terms for position in term.none}
    if unwanted:
        terms = tuple(replace(term, none=()) for term in correlation.terms)
        words = _titles(plan, [correlation.rules[position] for position in sorted(unwanted)])
        yield FORBIDDEN, words, replace(correlation, terms=terms)
    if correlation.link not in ("group", "session"):
        words = "another call" if correlation.link == "tool_call" else "another process or its data"
        yield APART, words, replace(correlation, link="session")
    names = sorted({name for names in correlation.group for name in names if name[:1] != OWN} - {SESSION})
    if names:
        words = f"not the same {' and '.join(names)}"
        yield APART, words, replace(correlation, group=(), link="session")


def _titles(plan: Plan, numbers: Iterable[int]) -> str:
    return " or ".join(f"“{plan.rules[number].title}”" for number in numbers)
