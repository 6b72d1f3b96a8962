"""The shortest witness of a rule: the least of a recording on which it fires, or just does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from workbench.dataset.recording import Recording
from workbench.evaluate.witness.oracle import Oracle
from workbench.evaluate.witness.relaxing import OTHERWISE, Relaxed, relax
from workbench.evaluate.witness.scan import Scan, scan_recording
from workbench.evaluate.witness.shortening import Shortening
from workbench.event import TIMESTAMPS, Event, format_timestamp
from workbench.scorer import Scorer
from workbench.scorer.payload import Payload
from workbench.scorer.plan import Plan
from workbench.scorer.predicates import Predicates
from workbench.scorer.reason import describe_predicate

ENOUGH = 6
"""In how many recordings that fire it a rule's witness is looked for."""

_SHOWN = 80


class Witness(NamedTuple):
    """Some of the `of` events of a recording, of which `story` tells; `but` is what stops the rule there."""

    events: list[Event]
    recording: str
    story: str
    malicious: bool
    of: int
    but: str = ""
    rank: int = 0


def shortest(seen: Scan, rule: int, oracle: Oracle) -> Witness | None:
    """Give the least of a recording on which the rule of that number fires; `seen` has a hit of it."""
    return _shortest(seen, rule, Shortening(lambda events: oracle.fires(rule, events), oracle.looked_at()))


def firing(payload: Payload, candidates: Mapping[int, Sequence[Recording]]) -> dict[int, Witness]:
    """Give for each rule, by number, the least on which it fires; `candidates` are recordings where it may.

    Of several witnesses, at most ENOUGH, the one with the fewest events is given, then the shortest.
    """
    scorer = Scorer(payload)
    oracles: dict[int, Oracle] = {}
    found: dict[int, Witness] = {}
    tried: Counter[int] = Counter()
    for recording, rules in _by_recording(candidates):
        wanted = {rule for rule in rules if tried[rule] < ENOUGH}
        if not wanted:
            continue
        seen = scan_recording(recording, scorer.anew(), wanted)
        for rule in sorted(seen.hits):
            tried[rule] += 1
            if rule not in oracles:
                oracles[rule] = Oracle(payload.plan, [rule], payload.registries)
            witness = shortest(seen, rule, oracles[rule])
            if witness and (rule not in found or _length(witness) < _length(found[rule])):
                found[rule] = witness
    return found


def missing(payload: Payload, candidates: Mapping[int, Sequence[Recording]]) -> dict[int, Witness]:
    """Give for each rule the least on which it just does not fire, from recordings that it leaves alone.

    It would if it asked for one thing less: what it forbids is there, or what it asks for is otherwise.
    """
    plan, relaxed = relax(payload.plan, sorted(candidates))
    scorer = Scorer(msgspec.structs.replace(payload, plan=plan))
    found: dict[int, Witness] = {}
    for recording, rules in _by_recording(candidates):
        mine = [each for each in relaxed if each.of in rules]
        asked = {*rules, *(each.number for each in mine), *(each.within for each in mine)}
        seen = scan_recording(recording, scorer.anew(), asked)
        for each in sorted(mine, key=lambda each: each.rank):
            before = found.get(each.of)
            if each.number not in seen.hits or each.of in seen.hits or (before and before.rank <= each.rank):
                continue
            if witness := _near(plan, payload.registries, seen, each):
                found[each.of] = witness
    return found


def _by_recording(candidates: Mapping[int, Sequence[Recording]]) -> Iterable[tuple[Recording, set[int]]]:
    rules: dict[Recording, set[int]] = {}
    for rule, recordings in candidates.items():
        for recording in recordings:
            rules.setdefault(recording, set()).add(rule)
    return sorted(rules.items(), key=lambda item: item[0].path)


def _shortest(seen: Scan, rule: int, shortening: Shortening) -> Witness | None:
    for events in seen.parts(rule):
        if shortening.holds(events):
            least = shortening.shorten(events)
            return Witness(least, seen.name, seen.story, seen.malicious, len(seen.events))
    return None


def _near(plan: Plan, registries: Mapping[str, Any], seen: Scan, relaxed: Relaxed) -> Witness | None:
    oracle = Oracle(plan, [relaxed.of, relaxed.number], registries)
    whole, looser = oracle.of[relaxed.of], oracle.of[relaxed.number]

    def holds(events: Sequence[Event]) -> bool:
        hits = {hit.rule for hit in oracle.hits(events)}
        return looser in hits and whole not in hits

    matched = seen.all.get(relaxed.within, set())
    name = next((name for name in seen.hits[relaxed.number].evidence if name in matched), "")
    kept: dict[str, frozenset[str]] = {}
    if relaxed.rank == OTHERWISE:
        fields = {plan.predicates[leaf].field for leaf in plan.leaves(relaxed.part)}
        kept = {name: frozenset(fields & seen.events[name].keys())} if name else {}
        if not any(kept.values()):
            return None
    witness = _shortest(seen, relaxed.number, Shortening(holds, oracle.looked_at(), kept))
    if witness is None:
        return None
    event = next((event for event in witness.events if event["event.id"] == name), {})
    return witness._replace(but=relaxed.words or _told(plan, relaxed, event), rank=relaxed.rank)


def _told(plan: Plan, relaxed: Relaxed, event: Event) -> str:
    """Tell what of the event stops the rule."""
    leaves = list(plan.leaves(relaxed.part))
    bits = Predicates((leaf, plan.predicates[leaf]) for leaf in leaves).bits(event)
    stopping = sorted(leaves, key=lambda leaf: not bits >> leaf & 1)
    predicate = next(
        (plan.predicates[leaf] for leaf in stopping if plan.predicates[leaf].field in event),
        plan.predicates[stopping[0]],
    )
    value = event.get(predicate.field)
    if predicate.op == "fieldref" or value is None:
        return describe_predicate(predicate)
    if predicate.field in TIMESTAMPS and isinstance(value, int):
        return f"it is {format_timestamp(value)[11:16]}"
    words = f"{predicate.field} is {value!r}"
    return words if len(words) <= _SHOWN else words[: _SHOWN - 1] + "…"


def _length(witness: Witness) -> tuple[int, int, str]:
    return len(witness.events), len(msgspec.json.encode(witness.events)), witness.recording
