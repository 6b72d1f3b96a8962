"""The plan: rules as plain data, as a pack carries them and any language can run them.

A plan is a table of *predicates* (each one test on one field, stored once) and a list of *rules*, referenced
rules first. A condition is a predicate's number, or `["and", …]`, `["or", …]`, `["not", x]`. What each
predicate and correlation means is fixed by `docs/pack-format.md` and by the vectors in `tests/spec/`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec

from workbench.errors import PackError

Op = Literal[
    "equals",
    "contains",
    "startswith",
    "endswith",
    "like",
    "regex",
    "cidr",
    "null",
    "exists",
    "lt",
    "lte",
    "gt",
    "gte",
    "fieldref",
    "time",
]
Level = Literal["informational", "low", "medium", "high", "critical"]
Signal = Literal["intrinsic", "pattern", "drift", "compliance"]
Response = Literal["audit", "alert", "block"]
Link = Literal["group", "session", "tool_call", "lineage", "provenance"]
CorrelationType = Literal[
    "event_count",
    "value_count",
    "value_sum",
    "value_avg",
    "value_median",
    "value_percentile",
    "temporal",
    "temporal_ordered",
]
Comparison = Literal["lt", "lte", "gt", "gte", "eq", "neq"]

KEYWORD = ""
"""The field name of a predicate that looks through every value of an event."""

OWN = "#"
"""What a group field begins with that is not an event's, but of the key of the correlation it is for."""

ANY_RUN, ANY_ONE = 0, 1
"""The parts of a `like` value that are not text: any run of characters, any one character."""

MAX_DEPTH = 32
MAX_COUNT = 10_000
"""The greatest number a count may be compared with: it bounds what a group remembers."""

_Index = Annotated[int, msgspec.Meta(ge=0)]


class Predicate(msgspec.Struct, array_like=True, frozen=True):
    """One test on one field: `value`'s type depends on `op`; `cased` tells text apart by case."""

    field: str
    op: Op
    value: Any = None
    cased: bool = False


class Term(msgspec.Struct, frozen=True, omit_defaults=True):
    """One way to satisfy a temporal correlation: `least` (0: all) of `every` match, none of `none` does."""

    every: tuple[_Index, ...]
    none: tuple[_Index, ...] = ()
    least: int = 0


class Correlation(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a rule joins the matches of the rules it names; positions count into `rules`, times are ns.

    `group` holds, for each of `rules` and then for each of `absent`, the event fields of the group key. For a
    rule that is itself a correlation, `#N` is the N-th value (from 0) of the key it was grouped by.
    """

    type: CorrelationType
    rules: tuple[_Index, ...]
    timespan: int
    link: Link = "session"
    group: tuple[tuple[str, ...], ...] = ()
    terms: tuple[Term, ...] = ()
    absent: tuple[_Index, ...] = ()
    compare: Comparison = "gte"
    threshold: int | float = 1
    values: tuple[str, ...] = ()
    percentile: int = 50


class Rule(msgspec.Struct, frozen=True, omit_defaults=True):
    """One rule: a detection (`condition`) or a correlation, and what its findings say."""

    id: str
    title: str
    name: str = ""
    level: Level = "medium"
    signal: Signal = "pattern"
    risk: Annotated[int, msgspec.Meta(ge=0, le=100)] = 50
    response: Response = "alert"
    budget: float | None = None
    tags: tuple[str, ...] = ()
    label: str = ""
    silent: bool = False
    kinds: tuple[str, ...] = ()
    view: Literal["event", "auditd"] = "event"
    condition: Any = None
    correlation: Correlation | None = None


class Plan(msgspec.Struct, frozen=True):
    """Predicates and rules; `rules` are ordered so that a rule comes after those it names."""

    predicates: tuple[Predicate, ...]
    rules: tuple[Rule, ...]

    def leaves(self, condition: Any) -> Iterator[int]:
        """Give the numbers of the predicates in a condition."""
        if isinstance(condition, int):
            yield condition
        else:
            for part in condition[1:]:
                yield from self.leaves(part)


def expanded(plan: Plan, condition: Any) -> Any:
    """Give a rule's condition as plain data, with its predicates in the place of their numbers."""
    if isinstance(condition, int):
        return msgspec.to_builtins(plan.predicates[condition])
    return [condition[0], *(expanded(plan, part) for part in condition[1:])]


def rules_by_data(plan: Plan) -> frozenset[int]:
    """Give the rules that speak of labelled data: by a `provenance.*` field, by their link, or by a step."""
    found: set[int] = set()
    for number, rule in enumerate(plan.rules):
        if rule.correlation:
            speaks = rule.correlation.link == "provenance" or not found.isdisjoint(rule.correlation.rules)
        else:
            leaves = plan.leaves(rule.condition)
            speaks = any(plan.predicates[leaf].field.startswith("provenance.") for leaf in leaves)
        if speaks:
            found.add(number)
    return frozenset(found)


def decode_plan(data: Any) -> Plan:
    """Check plain data and give it as a Plan; raises PackError naming what is wrong.

    >>> decode_plan({"predicates": [["process.name", "equals", "sh"]], "rules": [
    ...     {"id": "a", "title": "A shell", "kinds": ["process/exec"], "condition": 0}]}).rules[0].title
    'A shell'
    >>> decode_plan({"predicates": [], "rules": [{"id": "a", "title": "A", "condition": 0}]})
    Traceback (most recent call last):
    ...
    workbench.errors.PackError: rule 0: predicate 0 does not exist
    """
    try:
        plan = msgspec.convert(data, Plan)
    except (msgspec.ValidationError, RecursionError) as error:
        raise PackError(f"the plan is malformed: {error}") from None
    for number, predicate in enumerate(plan.predicates):
        _check_predicate(number, predicate)
    for number, rule in enumerate(plan.rules):
        _check_rule(plan, number, rule)
    return plan


_VALUE_TYPES: dict[str, Any] = {
    "equals": str | int | float | bool,
    "contains": str,
    "startswith": str,
    "endswith": str,
    "like": list[str | Literal[0, 1]],
    "regex": str,
    "cidr": str,
    "null": None,
    "exists": bool,
    "lt": int | float,
    "lte": int | float,
    "gt": int | float,
    "gte": int | float,
    "fieldref": tuple[str, Literal["whole", "start", "end", "any"]],
    "time": tuple[Literal["minute", "hour", "day", "week", "month", "year"], int],
}


def _check_predicate(number: int, predicate: Predicate) -> None:
    try:
        msgspec.convert(predicate.value, _VALUE_TYPES[predicate.op])
    except msgspec.ValidationError as error:
        raise PackError(f"predicate {number}: {predicate.op} on {predicate.field}: {error}") from None
    if predicate.op == "cidr":
        try:
            ipaddress.ip_network(predicate.value, strict=False)
        except ValueError as error:
            raise PackError(f"predicate {number}: {error}") from None


def _check_rule(plan: Plan, number: int, rule: Rule) -> None:
    if (rule.correlation is None) == (rule.condition is None):
        raise PackError(f"rule {number}: wants either a condition or a correlation")
    if rule.correlation is None:
        _check_condition(plan, number, rule.condition, MAX_DEPTH)
        return
    correlation = rule.correlation
    if any(index >= number for index in correlation.rules + correlation.absent):
        raise PackError(f"rule {number}: names a rule that does not come before it")
    if not correlation.rules or correlation.timespan <= 0:
        raise PackError(f"rule {number}: a correlation wants rules and a timespan")
    if correlation.type.endswith("_count") and not abs(correlation.threshold) <= MAX_COUNT:
        raise PackError(f"rule {number}: counts are compared with {MAX_COUNT} at most")
    if correlation.type.startswith("value_") and not correlation.values:
        raise PackError(f"rule {number}: {correlation.type} wants a field")
    if correlation.type.startswith("temporal") and not correlation.terms:
        raise PackError(f"rule {number}: a temporal correlation wants terms")
    for term in correlation.terms:
        if not term.every or any(index >= len(correlation.rules) for index in term.every + term.none):
            raise PackError(f"rule {number}: a term names a step that does not exist")
    if correlation.group and len(correlation.group) != len(correlation.rules) + len(correlation.absent):
        raise PackError(f"rule {number}: group fields are wanted for every rule or for none")
    for names in correlation.group:
        if not all(name.removeprefix(OWN).isdecimal() if name[:1] == OWN else name for name in names):
            raise PackError(f"rule {number}: a group field is malformed")


def _check_condition(plan: Plan, number: int, condition: Any, depth: int) -> None:
    if isinstance(condition, int) and not isinstance(condition, bool):
        if not 0 <= condition < len(plan.predicates):
            raise PackError(f"rule {number}: predicate {condition} does not exist")
        return
    well_formed = (
        isinstance(condition, list | tuple)
        and len(condition) > 1
        and condition[0] in ("and", "or", "not")
        and (condition[0] != "not" or len(condition) == 2)
    )
    if not well_formed or depth == 0:
        raise PackError(f"rule {number}: the condition is malformed or too deep")
    for part in condition[1:]:
        _check_condition(plan, number, part, depth - 1)
