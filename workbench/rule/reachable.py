"""Whether a condition can hold of any event at all.

Conditions are searched for a way to hold in which no two tests of one field contradict each other, and none
asks for what no source sees. What is found unreachable is; what is too large to search, or contradicts itself
in ways not looked at, is let be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from workbench.event import Value
from workbench.fields import FIELDS
from workbench.rule import unseen
from workbench.scorer import auditd
from workbench.scorer.field_index import FieldIndex
from workbench.scorer.plan import KEYWORD, Plan, Predicate, Rule

_STEPS = 100_000  # comparisons of two tests
_LISTS = {"syscall", KEYWORD}  # beside the event's fields that are lists
_ABSENT = ("null", "exists")
_TEXTS = {"equals", "contains", "startswith", "endswith"}
_BELOW, _ABOVE = ("lt", "lte"), ("gt", "gte")

Literal = tuple[Predicate, bool]
"""A predicate, and whether it is to hold."""


def can_fire(plan: Plan, rule: Rule) -> bool:
    """Tell whether any event can fire a rule by itself; for correlations, whether a count can come about."""
    if rule.correlation is not None:
        count = rule.correlation
        return not count.type.endswith("_count") or _reached(count.compare, count.threshold)
    subjects = _records() if rule.view == "auditd" else _events(rule.kinds)
    return any(_Search(plan, subject).holds(rule.condition) for subject in subjects)


class _Subject(NamedTuple):
    """What a rule may be matched against: the values that are known, and whether a field can be there."""

    whole: dict[str, Value]
    sees: Callable[[str], bool]


def _events(kinds: Sequence[str]) -> list[_Subject]:
    known = [dict(zip(("event.category", "event.action"), kind.split("/"), strict=False)) for kind in kinds]
    return [_Subject(dict(whole), lambda field: field not in unseen.SIGMA) for whole in known or [{}]]


def _records() -> list[_Subject]:
    """Give auditd's records, of which each is matched by itself."""
    calls = [
        _Subject({"type": "SYSCALL", "SYSCALL": name, "syscall": [name, str(number)]}, _fields("SYSCALL"))
        for name, number in set(auditd.SYSCALLS.values())
    ]
    return [
        *calls,
        *(_Subject({"type": name}, _fields(name)) for name in auditd.RECORDS if name != "SYSCALL"),
    ]


def _fields(record: str) -> Callable[[str], bool]:
    return lambda field: field == KEYWORD or auditd.holds(record, field)


def _reached(compare: str, threshold: float) -> bool:
    """Tell whether a count, which is judged when there is at least one match, can be so."""
    if compare in ("lt", "lte"):
        return threshold > 1 if compare == "lt" else threshold >= 1
    return compare != "eq" or (threshold >= 1 and float(threshold).is_integer())


class _Search:
    def __init__(self, plan: Plan, subject: _Subject) -> None:
        self._plan, self._subject = plan, subject
        self._steps = 0
        self._can: dict[tuple[int, bool], bool] = {}

    def holds(self, condition: Any) -> bool:
        try:
            return self._search([(condition, True)], [])
        except RecursionError:  # too large to search
            return True

    def _search(self, goals: list[tuple[Any, bool]], known: list[Literal]) -> bool:
        """Tell whether all goals, each a condition and how it is to be, can be met with what is known."""
        self._steps += 1 + len(known)
        if not goals or self._steps > _STEPS:
            return True
        (condition, wanted), rest = goals[0], goals[1:]
        if isinstance(condition, int):
            literal = self._plan.predicates[condition], wanted
            can = self._can.get((condition, wanted))
            if can is None:
                can = self._can[condition, wanted] = self._possible(literal)
            if not can or any(contradict(literal, one) for one in known):
                return False
            return self._search(rest, [*known, literal])
        operator, *parts = condition
        if operator == "not":
            return self._search([(parts[0], not wanted), *rest], known)
        if (operator == "and") is wanted:
            return self._search([*((part, wanted) for part in parts), *rest], known)
        return any(self._search([(part, wanted), *rest], known) for part in parts)

    def _possible(self, literal: Literal) -> bool:
        """Tell whether a test can be so of the subject, whatever else is."""
        predicate, holds = literal
        whole, sees = self._subject
        if predicate.field in whole and predicate.op != "fieldref":
            return bool(FieldIndex([(0, predicate)]).bits(whole[predicate.field])) is holds
        asked = [predicate.field, *(predicate.value[:1] if predicate.op == "fieldref" else ())]
        return not _wants_presence(literal) or all(map(sees, asked))


def contradict(left: Literal, right: Literal) -> bool:
    """Tell whether two tests can be seen never to be so of one event.

    >>> shell, path = Predicate("process.name", "equals", "sh"), Predicate("process.name", "contains", "/")
    >>> contradict((shell, True), (path, True)), contradict((shell, True), (path, False))
    (True, False)
    """
    (one, one_holds), (other, other_holds) = left, right
    if one.field != other.field or "fieldref" in (one.op, other.op):
        return one == other and one_holds is not other_holds
    if one == other:
        return one_holds is not other_holds
    if _wants_absence(left) or _wants_absence(right):
        return _wants_presence(left) or _wants_presence(right)
    if {one.op, other.op} & set(_ABSENT) or one.field in _LISTS:
        return False
    if one.field in FIELDS and FIELDS[one.field].kind == "strings":
        return False
    return _excludes(left, right) or _excludes(right, left)


def _wants_absence(literal: Literal) -> bool:
    predicate, holds = literal
    return predicate.op in _ABSENT and (predicate.op == "null" or not predicate.value) is holds


def _wants_presence(literal: Literal) -> bool:
    predicate, holds = literal
    return holds is (predicate.op not in _ABSENT or bool(predicate.value))


def _excludes(left: Literal, right: Literal) -> bool:
    """Tell whether the left test, which is to hold, keeps the right one from being as it is to be."""
    (one, one_holds), (other, other_holds) = left, right
    if not one_holds:
        return False
    if one.op in _BELOW and other.op in _ABOVE and other_holds:
        return bool(
            one.value < other.value or (one.value == other.value and (one.op, other.op) != ("lte", "gte"))
        )
    guessed = (other.cased or other.op == "regex") and not one.cased  # the case of what matches is not known
    if one.op == "equals" and not guessed:
        return bool(FieldIndex([(0, other)]).bits(one.value)) is not other_holds
    if guessed or not {one.op, other.op} <= _TEXTS:
        return False
    mine, theirs = (text if other.cased else text.casefold() for text in (one.value, str(other.value)))
    if not other_holds:
        return (
            theirs in mine if other.op == "contains" else other.op == one.op and _ends(one.op, mine, theirs)
        )
    return other.op == one.op != "contains" and not (
        _ends(one.op, mine, theirs) or _ends(one.op, theirs, mine)
    )


def _ends(op: str, text: str, part: str) -> bool:
    return text.startswith(part) if op == "startswith" else text.endswith(part)
