"""Which detections an event matches.

Every field's value becomes the bits of the predicates that hold for it (`FieldIndex`, remembered per value);
the bits of all fields together decide the rules (remembered per set of bits). Every rule has an anchor, the
rarest predicate that it cannot hold without: fields without anchors are read only when an anchor is set, and
only rules whose anchor is set are looked at, so cost follows what an event touches and not how many rules
there are. What a condition says of the event's kind is settled beforehand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from workbench.event import TIMESTAMPS, Event, Value
from workbench.fields import ACTIONS, FIELDS
from workbench.scorer.auditd import records
from workbench.scorer.cache import ENTRY, Cache
from workbench.scorer.condition import Test, anchor, compile_condition, renumber, specialise
from workbench.scorer.field_index import FieldIndex, text_of
from workbench.scorer.kind import kinds_of
from workbench.scorer.plan import KEYWORD, Plan, Predicate

_DECISIONS = 20_000 * ENTRY
_KIND = ("event.category", "event.action")
Kind = tuple[Value | None, Value | None, bool]


class Predicates:
    """Predicates with a number each: which of them hold for an event, as bits."""

    def __init__(self, predicates: Iterable[tuple[int, Predicate]]) -> None:
        by_field: dict[str, list[tuple[int, Predicate]]] = defaultdict(list)
        self._references: list[tuple[EventTest, int]] = []
        for number, predicate in predicates:
            if predicate.op == "fieldref":
                self._references.append((_reference(predicate), 1 << number))
            else:
                by_field[predicate.field].append((number, predicate))
        fields = {name: FieldIndex(found) for name, found in by_field.items()}
        self._keywords = fields.pop(KEYWORD, None)
        texts = {name for name in fields if name in FIELDS and FIELDS[name].kind == "string"}
        self._texts = [(name, fields[name].known) for name in sorted(texts)]
        self._others = [(name, fields[name]) for name in sorted(fields.keys() - texts)]

    def bits(self, event: Event) -> int:
        """Give the bits of every predicate that holds for the event."""
        get = event.get
        bits = 0
        for name, known in self._texts:
            bits |= known[get(name)]
        for name, index in self._others:
            bits |= index.bits(get(name))
        if self._keywords:
            bits |= _keyword_bits(self._keywords, event)
        for test, bit in self._references:
            if test(event):
                bits |= bit
        return bits


EventTest = Callable[[Event], bool]


def _keyword_bits(index: FieldIndex, event: Event) -> int:
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


def _source(predicates: Sequence[Predicate], number: int) -> object:
    """Give what a predicate reads: its field, or for one that compares fields itself."""
    predicate = predicates[number]
    return number if predicate.op == "fieldref" else predicate.field


class KindMatcher:
    """The detections that can match one kind of event, over one view of it; predicates are numbered anew.

    `conditions` holds what is left of each rule's condition for that kind, True when nothing is.
    """

    def __init__(self, plan: Plan, conditions: Mapping[int, Any]) -> None:
        certain = [number for number, condition in conditions.items() if condition is True]
        conditions = {number: condition for number, condition in conditions.items() if condition is not True}
        used = sorted({leaf for condition in conditions.values() for leaf in plan.leaves(condition)})
        numbers = {leaf: number for number, leaf in enumerate(used)}
        rarity = [_rarity(plan.predicates[leaf]) for leaf in used]
        self._always: list[tuple[int, Test]] = [(number, lambda bits: True) for number in certain]
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
        predicates = [plan.predicates[leaf] for leaf in used]
        anchoring = {_source(predicates, bit.bit_length() - 1) for bit in self._anchored}
        first: list[tuple[int, Predicate]] = []
        rest: list[tuple[int, Predicate]] = []
        for number, predicate in enumerate(predicates):
            part = first if _source(predicates, number) in anchoring else rest
            part.append((number, predicate))
        self._first, self._rest = Predicates(first), Predicates(rest)
        self._decisions: Cache[int, tuple[int, ...]] = Cache(self._decide, _DECISIONS)

    def match(self, event: Event) -> tuple[int, ...]:
        """Give the numbers of the rules that match, ascending; most events touch no anchor."""
        bits = self._first.bits(event)
        if not bits & self._anchors and not self._always:
            return ()
        return self._decisions[bits | self._rest.bits(event)]

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
        self._by_kind: dict[str, list[int]] = defaultdict(list)
        for number in rules:
            if plan.rules[number].correlation is None:
                for kind in plan.rules[number].kinds or ("",):
                    self._by_kind[kind].append(number)
        self._told = {
            number: FieldIndex([(0, predicate)])
            for number, predicate in enumerate(plan.predicates)
            if predicate.field in _KIND and predicate.op != "fieldref"
        }
        self._telling = {
            number
            for numbers in self._by_kind.values()
            for number in numbers
            if not self._told.keys().isdisjoint(plan.leaves(plan.rules[number].condition))
        }
        self._built: dict[str, KindMatcher] = {}
        self._anything = self._views({})
        self._kinds: dict[Kind, tuple[KindMatcher | None, KindMatcher | None]] = {
            (category, action, outcome == "failure"): self._views(
                {"event.category": category, "event.action": action, "event.outcome": outcome}
            )
            for category, actions in ACTIONS.items()
            for action in actions
            for outcome in ("success", "failure")
        }

    def _views(self, event: Event) -> tuple[KindMatcher | None, KindMatcher | None]:
        """Give the matchers of an event that is known by its kind alone, of both views."""
        kinds = ("", *kinds_of(event)) if event else ("",)
        rules = sorted({number for kind in kinds for number in self._by_kind.get(kind, ())})
        known = {
            number: bool(index.bits(event[field]))
            for number, index in self._told.items()
            if (field := self._plan.predicates[number].field) in event
        }
        plain: dict[int, Any] = {}
        audit: dict[int, Any] = {}
        for number in rules:
            rule = self._plan.rules[number]
            if rule.view == "auditd":
                audit[number] = rule.condition
            elif number not in self._telling:
                plain[number] = rule.condition
            elif (left := specialise(rule.condition, known)) is not False:
                plain[number] = left
        return self._of(plain), self._of(audit)

    def _of(self, conditions: Mapping[int, Any]) -> KindMatcher | None:
        """Give the matcher of these conditions; kinds of which the same is wanted share one."""
        key = repr(conditions)
        if conditions and key not in self._built:
            self._built[key] = KindMatcher(self._plan, conditions)
        return self._built.get(key)

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
