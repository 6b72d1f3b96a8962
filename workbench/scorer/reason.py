"""Why a rule fired, in words."""

from __future__ import annotations

from typing import Any, NamedTuple

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
_LISTED = ("equals", "contains", "startswith", "endswith", "regex", "cidr")
_SHOWN = 8
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
    """Put a condition into words, with the brackets it needs and no more; long lists are cut.

    >>> is_x, is_y = Predicate("a", "equals", "x"), Predicate("a", "equals", "y")
    >>> plan = Plan((is_x, is_y, Predicate("b", "contains", "z")), ())
    >>> describe_condition(plan, ["and", ["or", 0, 1], ["not", 2]])
    "a is one of 'x', 'y' and not b contains 'z'"
    >>> describe_condition(plan, ["and", ["or", 0, 2], ["not", ["and", 1, 2]]])
    "(a is 'x' or b contains 'z') and not (a is 'y' and b contains 'z')"
    """
    return _described(plan, condition)[0]


def _described(plan: Plan, condition: Any) -> tuple[str, bool]:
    """Give the words, and whether they need brackets inside others."""
    if isinstance(condition, int):
        return describe_predicate(plan.predicates[condition]), False
    operator, *parts = condition
    if operator == "not":
        return f"not {_bracketed(*_described(plan, parts[0]))}", False
    words = [
        describe_alike(plan, operator, part)
        if isinstance(part, Alike)
        else _bracketed(*_described(plan, part))
        for part in gather(plan, parts)
    ]
    return f" {operator} ".join(words), len(words) > 1


def _bracketed(words: str, compound: bool) -> str:
    return f"({words})" if compound else words


class Alike(NamedTuple):
    """The numbers of predicates that test one field in one way, for different values."""

    numbers: list[int]


def gather(plan: Plan, parts: list[Any]) -> list[Any]:
    """Give the parts of a condition, with the tests that differ by value alone together, as `Alike`."""
    gathered: list[Any] = []
    alike: dict[tuple[str, str, bool], Alike] = {}
    for part in parts:
        if not isinstance(part, int):
            gathered.append(part)
            continue
        predicate = plan.predicates[part]
        key = predicate.field, predicate.op, predicate.cased
        if predicate.op in _LISTED and key in alike:
            alike[key].numbers.append(part)
        else:
            alike[key] = Alike([part])
            gathered.append(alike[key])
    return gathered


def describe_alike(plan: Plan, operator: str, alike: Alike) -> str:
    """Put tests that differ by value alone, joined by `and` or `or`, into words."""
    predicates = [plan.predicates[number] for number in alike.numbers]
    first = predicates[0]
    if len(predicates) == 1:
        return describe_predicate(first)
    field = "any value" if first.field == KEYWORD else first.field
    values = [repr(predicate.value) for predicate in predicates]
    if len(values) > _SHOWN + 1:
        values = [*values[:_SHOWN], f"… ({len(values) - _SHOWN} more)"]
    which = "one of" if operator == "or" else "all of"
    return f"{field} {_WORDS[first.op]} {which} {', '.join(values)}"


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
