"""Why a rule fired, in words."""

from __future__ import annotations

from typing import Any

from workbench.scorer.plan import ANY_RUN, KEYWORD, Plan, Predicate

_WORDS = {
    "equals": "is",
    "contains": "contains",
    "startswith": "starts with",
    "endswith": "ends with",
    "like": "is like",
    "regex": "matches",
    "cidr": "is in",
    "lt": "<",
    "lte": "≤",
    "gt": ">",
    "gte": "≥",
}
_PARTS = {"whole": "equals", "start": "starts with", "end": "ends with", "any": "contains"}
_SPANS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def describe_predicate(predicate: Predicate) -> str:
    """Put a predicate into words.

    >>> describe_predicate(Predicate("process.name", "like", ["a", 0, "b", 1]))
    "process.name is like 'a*b?'"
    >>> describe_predicate(Predicate("", "contains", "x")), describe_predicate(Predicate("a", "null"))
    ("any value contains 'x'", 'a is absent')
    """
    field = "any value" if predicate.field == KEYWORD else predicate.field
    match predicate.op:
        case "null":
            return f"{field} is absent"
        case "exists":
            return f"{field} is {'present' if predicate.value else 'absent'}"
        case "fieldref":
            other, part = predicate.value
            return f"{field} {_PARTS[part]} {other}"
        case "time":
            part, number = predicate.value
            return f"the {part} of {field} is {number}"
        case "like":
            signs = [
                part if isinstance(part, str) else "*" if part == ANY_RUN else "?" for part in predicate.value
            ]
            return f"{field} is like {''.join(signs)!r}"
    return f"{field} {_WORDS[predicate.op]} {predicate.value!r}"


def describe_condition(plan: Plan, condition: Any) -> str:
    """Put a condition into words, with the brackets it needs."""
    if isinstance(condition, int):
        return describe_predicate(plan.predicates[condition])
    operator, *parts = condition
    words = [describe_condition(plan, part) for part in parts]
    if operator == "not":
        return f"not ({words[0]})"
    return "(" + f" {operator} ".join(words) + ")"


def describe_span(nanoseconds: int) -> str:
    """Put a timespan into words.

    >>> describe_span(600 * 10**9), describe_span(90 * 10**9)
    ('10 min', '90 s')
    """
    seconds = nanoseconds // 1_000_000_000
    for size, unit in _SPANS:
        if seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


class Reasons:
    """The reasons of a plan's rules, put into words once."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._words: dict[int, str] = {}

    def detection(self, number: int) -> str:
        """Say what a detection's condition is."""
        words = self._words.get(number)
        if words is None:
            words = self._words[number] = describe_condition(self._plan, self._plan.rules[number].condition)
        return words

    def correlation(self, number: int, steps: list[str]) -> str:
        """Say which steps came together, within what time, linked by what."""
        correlation = self._plan.rules[number].correlation
        assert correlation is not None
        span = describe_span(correlation.timespan)
        together = (
            " → ".join(steps) if correlation.type == "temporal_ordered" else " + ".join(dict.fromkeys(steps))
        )
        absent = [self._plan.rules[index].title for index in correlation.absent]
        unless = f", without {' or '.join(absent)}" if absent else ""
        if correlation.type.startswith("temporal"):
            return f"{together} within {span}{unless}"
        what = f" of {', '.join(correlation.values)}" if correlation.values else ""
        condition = f"{correlation.compare} {correlation.threshold}"
        return f"{correlation.type}{what} {condition} within {span}{unless}: {together}"
