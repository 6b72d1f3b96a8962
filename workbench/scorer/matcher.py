"""Which detections an event matches.

Every field's value becomes the bits of the predicates that hold for it (`FieldIndex`, remembered per value);
the bits of all fields together decide the rules (remembered per set of bits). Only rules whose anchor is set
are looked at, so cost follows what an event touches and not how many rules there are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import reduce
from operator import or_

from workbench.event import TIMESTAMPS, Event, Value
from workbench.fields import FIELDS
from workbench.scorer.auditd import records
from workbench.scorer.cache import ENTRY, Cache
from workbench.scorer.condition import Test, anchor, compile_condition, renumber
from workbench.scorer.field_index import FieldIndex, text_of
from workbench.scorer.kind import SUCCESS, kinds_of
from workbench.scorer.plan import KEYWORD, Plan, Predicate

_DECISIONS = 20_000 * ENTRY
Kind = tuple[Value | None, Value | None, bool]


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
        return keyword_bits(index, event) if name == KEYWORD else index.bits(event.get(name))

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


# How rarely a predicate holds, guessed: longer texts are rarer than shorter ones, and these than all else.
_RARITY = {"null": 0.0, "exists": 0.0, "fieldref": 1.0, "regex": 12.0, "cidr": 6.0, "time": 2.0}


def _rarity(predicate: Predicate) -> float:
    value = predicate.value
    if predicate.op == "like":
        return float(sum(len(part) for part in value if isinstance(part, str)))
    if predicate.op in _RARITY or not isinstance(value, str):
        return _RARITY.get(predicate.op, 3.0)
    return len(value) + (4.0 if predicate.op == "equals" else 0.0)


class KindMatcher:
    """The detections that can match one kind of event, over one view of it; predicates are numbered anew."""

    def __init__(self, plan: Plan, rules: Iterable[int]) -> None:
        conditions = {number: plan.rules[number].condition for number in rules}
        used = sorted({leaf for condition in conditions.values() for leaf in plan.leaves(condition)})
        numbers = {leaf: number for number, leaf in enumerate(used)}
        self._predicates = Predicates((numbers[leaf], plan.predicates[leaf]) for leaf in used)
        rarity = [_rarity(plan.predicates[leaf]) for leaf in used]
        self._always: list[tuple[int, Test]] = []
        self._anchored: dict[int, list[tuple[int, Test]]] = defaultdict(list)
        self._anchors = 0
        for number, condition in conditions.items():
            local = renumber(condition, numbers)
            entry = number, compile_condition(local)
            found = anchor(local, rarity)
            if found is None:
                self._always.append(entry)
                continue
            self._anchors |= found[0]
            for bit in _bits_of(found[0]):
                self._anchored[bit].append(entry)
        fields = dict(self._predicates.fields)
        self._keywords = fields.pop(KEYWORD, None)
        texts = {name for name in fields if name in FIELDS and FIELDS[name].kind == "string"}
        self._texts = [(name, fields[name].known) for name in sorted(texts)]
        self._others = [(name, fields[name]) for name in sorted(fields.keys() - texts)]
        self._decisions: Cache[int, tuple[int, ...]] = Cache(self._decide, _DECISIONS)

    def match(self, event: Event) -> tuple[int, ...]:
        """Give the numbers of the rules that match, ascending."""
        get = event.get
        bits = 0
        for name, known in self._texts:
            bits |= known[get(name)]
        for name, index in self._others:
            bits |= index.bits(get(name))
        if self._keywords:
            bits |= keyword_bits(self._keywords, event)
        if self._predicates.references:
            bits |= self._predicates.reference_bits(event)
        return self._decisions[bits]

    def _decide(self, bits: int) -> tuple[int, ...]:
        matched = [number for number, test in self._always if test(bits)]
        for bit in _bits_of(bits & self._anchors):
            for number, test in self._anchored[bit]:
                if test(bits):
                    matched.append(number)
        return tuple(sorted(set(matched))) if len(matched) > 1 else tuple(matched)


def _bits_of(bits: int) -> list[int]:
    found = []
    while bits:
        low = bits & -bits
        found.append(low)
        bits ^= low
    return found


class Matcher:
    """The detections of a plan (those numbered in `rules`), by kind of event."""

    def __init__(self, plan: Plan, rules: Iterable[int]) -> None:
        self._plan = plan
        self._rules = [number for number in rules if plan.rules[number].correlation is None]
        self._built: dict[tuple[int, ...], KindMatcher | None] = {(): None}
        self._anything = self._views(())
        self._kinds: dict[Kind, tuple[KindMatcher | None, KindMatcher | None]] = {}
        named = {kind.removesuffix(SUCCESS) for number in self._rules for kind in plan.rules[number].kinds}
        for kind in sorted(named):
            category, _, action = kind.partition("/")
            for outcome in ("success", "failure"):
                event = {"event.category": category, "event.action": action, "event.outcome": outcome}
                self._kinds[category, action, outcome == "failure"] = self._views(kinds_of(event))

    def _views(self, kinds: tuple[str, ...]) -> tuple[KindMatcher | None, KindMatcher | None]:
        return self._of(kinds, "event"), self._of(kinds, "auditd")

    def _of(self, kinds: tuple[str, ...], view: str) -> KindMatcher | None:
        """Give the matcher of the rules for an event of these kinds; the same rules share one."""
        rules = tuple(
            number
            for number in self._rules
            if (rule := self._plan.rules[number]).view == view
            and (not rule.kinds or not set(kinds).isdisjoint(rule.kinds))
        )
        if rules not in self._built:
            self._built[rules] = KindMatcher(self._plan, rules)
        return self._built[rules]

    def match(self, event: Event) -> tuple[int, ...]:
        """Give the numbers of the rules that match the event, ascending."""
        failed = event.get("event.outcome") == "failure"
        kind = event.get("event.category"), event.get("event.action"), failed
        plain, audit = self._kinds.get(kind, self._anything)
        matched = plain.match(event) if plain else ()
        if audit:
            found = {number for record in records(event) for number in audit.match(record)}
            matched = tuple(sorted(found.union(matched))) if found else matched
        return matched
