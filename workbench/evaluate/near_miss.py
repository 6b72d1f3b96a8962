"""How close benign events come to a rule: without near misses, a precision of 1.0 shows little."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from workbench.dataset.recording import Recording
from workbench.errors import InputError
from workbench.event import Event
from workbench.scorer import Scorer
from workbench.scorer.kind import kinds_of
from workbench.scorer.plan import Plan
from workbench.scorer.predicates import Predicates
from workbench.scorer.reason import describe_predicate

_REMEMBERED = 50_000


def distance(condition: Any, bits: int) -> int:
    """Give how many parts of a condition are in the way of a match: the least over `or`, the sum over `and`.

    >>> distance(["and", 0, ["or", 1, 2], ["not", 3]], 0b1001)
    2
    """
    if isinstance(condition, int):
        return 0 if bits >> condition & 1 else 1
    operator, *parts = condition
    if operator == "not":
        return 0 if distance(parts[0], bits) else 1
    every = (distance(part, bits) for part in parts)
    return sum(every) if operator == "and" else min(every)


def support(condition: Any, bits: int) -> int:
    """Give how many parts of a condition speak for a match; what is only not forbidden does not.

    >>> support(["and", 0, ["or", 1, 2], ["not", 3]], 0b0001)
    1
    """
    if isinstance(condition, int):
        return bits >> condition & 1
    operator, *parts = condition
    if operator == "not":
        return 0
    every = (support(part, bits) for part in parts)
    return sum(every) if operator == "and" else max(every)


class NearMisses:
    """Which rules an event came near: one condition short of a match while others hold.

    A correlation has a near miss in every event that a step of it matches.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._conditions = {
            number: rule.condition
            for number, rule in enumerate(plan.rules)
            if rule.correlation is None and rule.view == "event"
        }
        self._kinds: dict[tuple[str, ...], _Kind] = {}
        self._named_by: dict[int, set[str]] = defaultdict(set)
        for rule in plan.rules:
            if rule.correlation:
                for step in _detections(plan, rule.correlation.rules):
                    self._named_by[step].add(rule.id)
        self._matched: set[int] = set()

    def look(self, own: Event, matched: Iterable[int]) -> None:
        """Note what the enriched event just misses; `matched` are the numbers of the rules it matches."""
        self._matched.update(matched)
        kinds = kinds_of(own)
        if kinds not in self._kinds:
            self._kinds[kinds] = _Kind(self._plan, self._of(kinds))
        self._kinds[kinds].look(own)

    def _of(self, kinds: tuple[str, ...]) -> dict[int, Any]:
        rules = self._plan.rules
        return {
            number: condition
            for number, condition in self._conditions.items()
            if not rules[number].kinds or not set(kinds).isdisjoint(rules[number].kinds)
        }

    def rules(self) -> tuple[str, ...]:
        """Give the ids of the rules that an event since the last `forget` came near, in order."""
        near: set[str] = set()
        near.update(*(self._named_by.get(number, ()) for number in self._matched))
        near.update(*(kind.missed() for kind in self._kinds.values()))
        return tuple(sorted(near))

    def forget(self) -> None:
        """Begin anew."""
        self._matched.clear()
        for kind in self._kinds.values():
            kind.met.clear()


class _Kind:
    """The conditions that can match one kind of event, and the sets of predicates `met` together."""

    def __init__(self, plan: Plan, conditions: dict[int, Any]) -> None:
        used = sorted({leaf for condition in conditions.values() for leaf in plan.leaves(condition)})
        self._predicates = Predicates((leaf, plan.predicates[leaf]) for leaf in used)
        self._conditions = [(plan.rules[number].id, condition) for number, condition in conditions.items()]
        self._known: dict[int, tuple[str, ...]] = {}
        self.met: set[int] = set()

    def look(self, own: Event) -> None:
        self.met.add(self._predicates.bits(own))

    def missed(self) -> set[str]:
        return {name for bits in self.met for name in self._missed(bits)}

    def _missed(self, bits: int) -> tuple[str, ...]:
        known = self._known.get(bits)
        if known is None:
            known = tuple(
                name
                for name, condition in self._conditions
                if distance(condition, bits) == 1 and support(condition, bits)
            )
            if len(self._known) < _REMEMBERED:
                self._known[bits] = known
        return known


def _detections(plan: Plan, numbers: Iterable[int]) -> Iterator[int]:
    for number in numbers:
        correlation = plan.rules[number].correlation
        if correlation:
            yield from _detections(plan, correlation.rules)
        else:
            yield number


class NearMiss(msgspec.Struct, frozen=True, kw_only=True):
    """A benign event close to a rule's condition: how many parts stand in the way, and which tests failed."""

    recording: str
    event_id: str
    distance: int
    failed: tuple[str, ...]


def nearest_misses(payload: bytes, rule: str, directories: Iterable[Path], limit: int = 10) -> list[NearMiss]:
    """Give the benign events closest to a detection, closest first, one for each set of failed tests.

    `rule` is an id, name or title. Raises InputError when the pack has no such detection.
    """
    scorer = Scorer.from_payload(payload)
    plan = scorer.plan
    number = next((n for n, r in enumerate(plan.rules) if rule in (r.id, r.name, r.title)), None)
    if number is None or plan.rules[number].correlation:
        raise InputError(f"no detection {rule!r} in the pack", mend="name a rule that is no correlation")
    condition, kinds = plan.rules[number].condition, plan.rules[number].kinds
    leaves = {leaf: plan.predicates[leaf] for leaf in plan.leaves(condition)}
    predicates = Predicates(leaves.items())
    found: dict[tuple[str, ...], NearMiss] = {}
    for directory in directories:
        recording = Recording.open(directory)
        guilty = {label.event_id for label in recording.labels() if label.label == "malicious"}
        scorer = scorer.anew()
        for event in recording.events():
            own, matched = scorer.examine(event)
            name = str(own.get("event.id", ""))
            if number in matched or name in guilty or (kinds and set(kinds_of(own)).isdisjoint(kinds)):
                continue
            bits = predicates.bits(own)
            if not support(condition, bits):
                continue
            failed = tuple(describe_predicate(p) for leaf, p in leaves.items() if not bits >> leaf & 1)
            miss = NearMiss(
                recording=directory.name, event_id=name, distance=distance(condition, bits), failed=failed
            )
            found.setdefault(failed, miss)
    return sorted(found.values(), key=lambda miss: (miss.distance, miss.recording, miss.event_id))[:limit]
