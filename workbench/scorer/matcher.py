"""Which detections an event matches.

Every field's value becomes the bits of the predicates that hold for it (`FieldIndex`, remembered per value);
the bits of all fields together decide the rules (remembered per combination). Only rules whose anchor is set
are looked at, so cost follows what an event touches and not how many rules there are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import reduce
from operator import or_

from workbench.event import TIMESTAMPS, Event, Value
from workbench.scorer.auditd import records
from workbench.scorer.cache import Cache
from workbench.scorer.condition import Test, anchor, compile_condition
from workbench.scorer.field_index import FieldIndex, text_of
from workbench.scorer.plan import KEYWORD, Plan, Predicate

_COMBINATIONS = 20_000
Kind = tuple[Value | None, Value | None]


class Predicates:
    """The bits of an event's predicates, field by field."""

    def __init__(self, predicates: Iterable[tuple[int, Predicate]]) -> None:
        by_field: dict[str, list[tuple[int, Predicate]]] = defaultdict(list)
        self.references: dict[int, EventTest] = {}
        for number, predicate in predicates:
            if predicate.op == "fieldref":
                self.references[number] = _reference(predicate)
            else:
                by_field[predicate.field].append((number, predicate))
        self.fields = {name: FieldIndex(found) for name, found in by_field.items()}

    def bits(self, event: Event) -> int:
        """Give the bits of every predicate that holds for the event."""
        return reduce(or_, (self.field_bits(name, event) for name in self.fields), self.reference_bits(event))

    def field_bits(self, name: str, event: Event) -> int:
        """Give the bits of one field's predicates."""
        index = self.fields[name]
        if name == KEYWORD:
            return keyword_bits(index, event)
        value = event.get(name)
        return index.absent if value is None else index.bits(value)

    def reference_bits(self, event: Event) -> int:
        """Give the bits of the predicates that compare two fields."""
        return sum(1 << number for number, test in self.references.items() if test(event))


EventTest = Callable[[Event], bool]


def keyword_bits(index: FieldIndex, event: Event) -> int:
    """Give the bits of the keywords found in any value of the event; times are left out."""
    bits = 0
    for name, value in event.items():
        if name not in TIMESTAMPS:
            bits |= index.bits(value)
    return bits


def _texts(value: Value | None) -> list[str]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [text_of(value)]


def _reference(predicate: Predicate) -> EventTest:
    """Compare a field with another; lists compare as any of their elements."""
    field = predicate.field
    other, part = predicate.value
    comparisons: dict[str, Callable[[str, str], bool]] = {
        "whole": str.__eq__,
        "start": str.startswith,
        "end": str.endswith,
        "any": str.__contains__,
    }
    compare = comparisons[part]

    def test(event: Event) -> bool:
        mine, theirs = _texts(event.get(field)), _texts(event.get(other))
        if not predicate.cased:
            mine, theirs = [text.casefold() for text in mine], [text.casefold() for text in theirs]
        return any(compare(left, right) for left in mine for right in theirs)

    return test


class KindMatcher:
    """The detections that can match one kind of event, over one view of it."""

    def __init__(self, plan: Plan, predicates: Predicates, rules: Iterable[int]) -> None:
        self._predicates = predicates
        self._always: list[tuple[int, Test]] = []
        self._anchored: dict[int, list[tuple[int, Test]]] = defaultdict(list)
        used: set[int] = set()
        for number in rules:
            condition = plan.rules[number].condition
            used.update(plan.leaves(condition))
            entry = number, compile_condition(condition)
            bits = anchor(condition)
            if bits is None:
                self._always.append(entry)
            for bit in _bits_of(bits or 0):
                self._anchored[bit].append(entry)
        self._used = sum(1 << number for number in used)
        names = {plan.predicates[number].field for number in used if plan.predicates[number].op != "fieldref"}
        self._keywords = predicates.fields[KEYWORD] if KEYWORD in names else None
        self._fields = tuple((name, predicates.fields[name]) for name in sorted(names - {KEYWORD}))
        self._references = bool(used & predicates.references.keys())
        self._cache: Cache[tuple[int, ...], tuple[int, ...]] = Cache(_COMBINATIONS)

    def match(self, event: Event) -> tuple[int, ...]:
        """Give the numbers of the rules that match, ascending."""
        combination = []
        for name, index in self._fields:
            value = event.get(name)
            if value is None:
                combination.append(index.absent)
            else:
                combination.append(index.bits(value))
        if self._keywords:
            combination.append(keyword_bits(self._keywords, event))
        if self._references:
            combination.append(self._predicates.reference_bits(event))
        key = tuple(combination)
        known = self._cache.young.get(key)
        if known is None:
            known = self._cache.recall(key)
            if known is None:
                known = self._decide(reduce(or_, key, 0))
                self._cache.store(key, known)
        return known

    def _decide(self, bits: int) -> tuple[int, ...]:
        matched = {number for number, test in self._always if test(bits)}
        for bit in _bits_of(bits & self._used):
            for number, test in self._anchored.get(bit, ()):
                if number not in matched and test(bits):
                    matched.add(number)
        return tuple(sorted(matched))


def _bits_of(bits: int) -> Iterable[int]:
    while bits:
        low = bits & -bits
        yield low
        bits ^= low


class Matcher:
    """The detections of a plan (those numbered in `rules`), by kind of event."""

    def __init__(self, plan: Plan, rules: Iterable[int]) -> None:
        self._plan = plan
        self._rules = [number for number in rules if plan.rules[number].correlation is None]
        used = {leaf for number in self._rules for leaf in plan.leaves(plan.rules[number].condition)}
        self.predicates = Predicates((number, plan.predicates[number]) for number in sorted(used))
        self._kinds: dict[Kind, tuple[KindMatcher | None, KindMatcher | None]] = {}
        self._anything = self._build(None)
        for kind in {kind for number in self._rules for kind in plan.rules[number].kinds}:
            category, _, action = kind.partition("/")
            self._kinds[category, action] = self._build(kind)

    def _build(self, kind: str | None) -> tuple[KindMatcher | None, KindMatcher | None]:
        def select(view: str) -> KindMatcher | None:
            rules = [
                number
                for number in self._rules
                if (rule := self._plan.rules[number]).view == view and (not rule.kinds or kind in rule.kinds)
            ]
            return KindMatcher(self._plan, self.predicates, rules) if rules else None

        return select("event"), select("auditd")

    def match(self, event: Event) -> tuple[int, ...]:
        """Give the numbers of the rules that match the event, ascending."""
        kind = event.get("event.category"), event.get("event.action")
        plain, audit = self._kinds.get(kind, self._anything)
        matched = plain.match(event) if plain else ()
        if audit:
            found = {number for record in records(event) for number in audit.match(record)}
            matched = tuple(sorted(found.union(matched))) if found else matched
        return matched
