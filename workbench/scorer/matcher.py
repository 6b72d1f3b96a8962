"""Which detections an event matches.

Every field's value becomes the bits of the predicates that hold for it (remembered per value); the bits of
all fields together decide the rules (remembered per set of bits). Every rule has an anchor, the rarest
predicate that it cannot hold without. Only rules whose anchor is set are looked at, and other predicates are
decided only where such a rule asks for them, so cost follows what an event touches and not how many rules
there are. What a condition says of the event's kind is settled beforehand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from workbench.event import Event, Value
from workbench.fields import ACTIONS
from workbench.scorer.auditd import records
from workbench.scorer.cache import ENTRY, Cache
from workbench.scorer.condition import Mask, anchor, compile_mask, specialise
from workbench.scorer.field_index import FieldIndex
from workbench.scorer.kind import kinds_of
from workbench.scorer.plan import Plan, Predicate
from workbench.scorer.predicates import Predicates, Reading, Source

_DECISIONS = 20_000 * ENTRY
_KIND = ("event.category", "event.action")
Kind = tuple[Value | None, Value | None, bool]


# How rarely a predicate holds, guessed: longer texts are rarer than shorter ones, and these than all else.
_RARITY = {"null": 0.0, "exists": 0.0, "fieldref": 1.0, "regex": 12.0, "cidr": 6.0, "time": 2.0}
# Of fields that say the same of many events in a row: who acts hardly changes, and programs are few.
_REPEATED = (
    ("process.executable", "process.name", "process.parent."),
    ("attribution.", "event.", "gen_ai.", "host.", "network.", "user."),
)


def _rarities(plan: Plan) -> dict[int, float]:
    return {number: _rarity(predicate) for number, predicate in enumerate(plan.predicates)}


def _rarity(predicate: Predicate) -> float:
    value = predicate.value
    programs, actors = (predicate.field.startswith(names) for names in _REPEATED)
    share = 0.1 if actors else 0.3 if programs else 1.0
    if predicate.op == "like":
        return share * sum(len(part) for part in value if isinstance(part, str))
    if predicate.op in _RARITY or not isinstance(value, str):
        return share * _RARITY.get(predicate.op, 3.0)
    return share * (len(value) + (4.0 if predicate.op == "equals" else 0.0))


class KindMatcher:
    """The detections that can match one kind of event, over one view of it.

    `conditions` holds what is left of each rule's condition for that kind, True when nothing is.
    """

    def __init__(
        self, plan: Plan, conditions: Mapping[int, Any], predicates: Predicates, rarity: Mapping[int, float]
    ) -> None:
        self._always: list[tuple[int, Mask]] = []
        self._anchored: dict[int, list[tuple[int, Mask]]] = defaultdict(list)
        self._anchors = 0
        self._predicates = predicates
        wanted: dict[int, set[int]] = defaultdict(set)
        for number, condition in conditions.items():
            if condition is True:
                self._always.append((number, Mask(0, 0)))
                continue
            leaves = set(plan.leaves(condition))
            entry = number, compile_mask(condition)
            found = anchor(condition, rarity)
            if found is None:
                self._always.append(entry)
                wanted[0].update(leaves)
                continue
            self._anchors |= found[0]
            for bit in _bits_of(found[0]):
                self._anchored[bit].append(entry)
                wanted[bit].update(leaves)
        early = predicates.sources(bit.bit_length() - 1 for bit in self._anchored)
        self._first = predicates.reading(early)
        self._anyhow = predicates.sources(wanted[0]) - early
        self._asking: dict[frozenset[Source], int] = defaultdict(int)
        for bit, numbers in wanted.items():
            self._asking[predicates.sources(numbers) - early] |= bit
        used = set().union(*wanted.values())
        self._used = sum(1 << number for number in used)
        self._rest: Cache[int, Reading] = Cache(self._rest_of, _DECISIONS)
        self._decisions: Cache[int, tuple[int, ...]] = Cache(self._decide, _DECISIONS)

    def match(self, event: Event) -> tuple[int, ...]:
        """Give the numbers of the rules that match, ascending; most events touch no anchor."""
        bits = self._first.bits(event)
        touched = bits & self._anchors
        if not touched and not self._always:
            return ()
        return self._decisions[(bits | self._rest[touched].bits(event)) & self._used]

    def _rest_of(self, touched: int) -> Reading:
        """Give a reading of what else the rules ask for that have these anchors or none."""
        asked = [sources for sources, anchors in self._asking.items() if touched & anchors]
        return self._predicates.reading(self._anyhow.union(*asked))

    def _decide(self, bits: int) -> tuple[int, ...]:
        entries = list(self._always)
        for bit in _bits_of(bits & self._anchors):
            entries += self._anchored[bit]
        matched = {
            number
            for number, (care, wanted, test) in entries
            if bits & care == wanted and (test is None or test(bits))
        }
        return tuple(sorted(matched))


def _bits_of(bits: int) -> list[int]:
    found = []
    while bits:
        low = bits & -bits
        found.append(low)
        bits ^= low
    return found


def predicates_of(plan: Plan, rules: Iterable[int]) -> Predicates:
    """Give the predicates of some detections, by their numbers in the plan, anchors first.

    Matchers may share them.
    """
    conditions = [plan.rules[number].condition for number in rules if plan.rules[number].correlation is None]
    leaves = {leaf for condition in conditions for leaf in plan.leaves(condition)}
    rarity = _rarities(plan)
    anchors = [found[0] for condition in conditions if (found := anchor(condition, rarity))]
    first = {bit.bit_length() - 1 for bits in anchors for bit in _bits_of(bits)}
    repeated = tuple(name for names in _REPEATED for name in names)  # what is remembered is cheap to ask for
    early = {leaf for leaf in first if not plan.predicates[leaf].field.startswith(repeated)}
    return Predicates(((leaf, plan.predicates[leaf]) for leaf in sorted(leaves)), early)


def kind_of(event: Event) -> Kind:
    """Give the kind of an event, by which a matcher chooses what to look at."""
    get = event.get
    return get("event.category"), get("event.action"), get("event.outcome") == "failure"


class Matcher:
    """The detections of a plan (those numbered in `rules`), by kind of event."""

    def __init__(self, plan: Plan, rules: Collection[int], predicates: Predicates | None = None) -> None:
        self._plan = plan
        self._by_kind: dict[str, list[int]] = defaultdict(list)
        for number in rules:
            if plan.rules[number].correlation is None:
                for kind in plan.rules[number].kinds or ("",):
                    self._by_kind[kind].append(number)
        self._predicates = predicates or predicates_of(plan, rules)
        self._rarity = _rarities(plan)
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
            self._built[key] = KindMatcher(self._plan, conditions, self._predicates, self._rarity)
        return self._built.get(key)

    def match(self, event: Event) -> tuple[int, ...]:
        """Give the numbers of the rules that match the event, ascending."""
        return self.match_kind(kind_of(event), event)

    def match_kind(self, kind: Kind, event: Event) -> tuple[int, ...]:
        """Give the numbers of the rules that match an event of this kind, ascending."""
        plain, audit = self._kinds.get(kind, self._anything)
        matched = plain.match(event) if plain else ()
        if audit:
            found = {number for record in records(event) for number in audit.match(record)}
            matched = tuple(sorted(found.union(matched))) if found else matched
        return matched
