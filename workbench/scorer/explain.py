"""Why a rule fired on an event, or which condition of which step stopped it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from workbench.errors import InputError
from workbench.event import Event
from workbench.scorer.auditd import records
from workbench.scorer.correlator import Fired
from workbench.scorer.explain_steps import Watch, absent_lines, step_lines
from workbench.scorer.kind import SUCCESS, kinds_of
from workbench.scorer.plan import KEYWORD, Plan
from workbench.scorer.predicates import Predicates
from workbench.scorer.reason import Alike, describe_alike, describe_predicate, gather
from workbench.scorer.scorer import Scorer

_SHOWN = 120


def explain_event(scorer: Scorer, events: Iterable[Event], event_id: str, rule: str = "") -> Iterator[str]:
    """Replay events and tell, line by line, why rules fired on the one named or did not.

    `rule` is an id, name or title; without one, the rules that matched or fired are told. Raises
    InputError when there is no such event or rule.
    """
    chosen = _choose(scorer.plan, rule)
    watch = Watch(scorer.plan, scorer.correlator, chosen)
    replay = iter(events)
    for event in replay:
        own, matched, fired = _take(scorer, event, watch)
        if own.get("event.id") == event_id:
            break
    else:
        raise InputError(f"no event {event_id!r}", mend="give the event.id of one of the events")
    now = {done.rule: done for done in fired if done.event.get("event.id") == event_id}
    # Told before what follows is replayed, for that changes the groups.
    told = {number: _told(scorer, watch, number, own, matched, now) for number in chosen or {*matched, *now}}
    later = _later(scorer, replay, watch, event_id) if _matters_later(scorer.plan, chosen) else {}
    if not chosen:
        closed = {number: done for number, done in later.items() if done.event.get("event.id") == event_id}
        told |= {number: [] for number in closed if number not in told}
        later = closed
    if not told:
        yield f"no rule matches event {event_id}; name one with --rule to see what stopped it"
    for number in sorted(told, key=lambda number: (scorer.plan.rules[number].silent, number)):
        done = None if number in now else later.get(number)
        if done and done.event.get("event.id") == event_id:
            yield from _fired(scorer, done, event_id, ", when its window had closed")
            continue
        yield from told[number]
        if done:
            yield f"  it fired later, on event {done.event.get('event.id')}, with this one as evidence"
        elif number not in now:
            yield from absent_lines(scorer, watch, number, event_id)


def _choose(plan: Plan, name: str) -> list[int]:
    if not name:
        return []
    found = [number for number, rule in enumerate(plan.rules) if name in (rule.id, rule.name, rule.title)]
    if not found:
        raise InputError(f"no rule {name!r} in the pack", mend="see `workbench pack inspect`")
    return found


def _take(scorer: Scorer, event: Event, watch: Watch) -> tuple[Event, tuple[int, ...], list[Fired]]:
    """Score an event; give it enriched, with the rules that matched and the correlations that fired."""
    own, matched = scorer.examine(event)
    scorer.conclude(own, matched)
    watch.fired(scorer.fired)
    watch.matched(matched, own, scorer.now)
    return own, matched, scorer.fired


def _matters_later(plan: Plan, chosen: list[int]) -> bool:
    """Tell whether what comes after the event can say more of it: of a sequence, or of an absence."""
    if chosen:
        return any(plan.rules[number].correlation for number in chosen)
    return any(rule.correlation and rule.correlation.absent for rule in plan.rules)


def _later(scorer: Scorer, replay: Iterator[Event], watch: Watch, event_id: str) -> dict[int, Fired]:
    """Replay the rest; give the correlations that then fired with the event as evidence, each one once."""
    found: dict[int, Fired] = {}

    def note(fired: Iterable[Fired]) -> None:
        for done in fired:
            if any(event_id in sighting.events for sighting in done.completion.sightings):
                found.setdefault(done.rule, done)

    for event in replay:
        note(_take(scorer, event, watch)[2])
    scorer.close()
    note(scorer.fired)
    return found


def _told(
    scorer: Scorer,
    watch: Watch,
    number: int,
    event: Event,
    matched: tuple[int, ...],
    fired: Mapping[int, Fired],
) -> list[str]:
    """Tell why a rule fired on the event, or what kept it from that."""
    rule = scorer.plan.rules[number]
    event_id = str(event.get("event.id"))
    if rule.correlation is None:
        return list(_detection(scorer, number, event, hit=number in matched))
    if number in fired:
        return list(_fired(scorer, fired[number], event_id))
    lines = [f"{rule.title}: did not fire on event {event_id}"]

    def tell(step: int) -> list[str]:
        return _told(scorer, watch, step, event, matched, fired)

    lines += step_lines(scorer, watch, number, event_id, tell)
    steps = rule.correlation.rules
    if set(steps) <= set(matched) and len(steps) > 1:
        lines.insert(1, "  this event matches every step, but each step needs an event of its own")
    return lines


def _fired(scorer: Scorer, done: Fired, event_id: str, when: str = "") -> Iterator[str]:
    finding = scorer.finding_of(done)
    silent = (
        " (as a step of others, with no finding of its own)" if scorer.plan.rules[done.rule].silent else ""
    )
    yield f"{finding.rule_title}: fired on event {event_id}{when}{silent}"
    yield f"  because {finding.reason}: events {', '.join(finding.evidence)}"
    yield from (f"  data: {hop}" for hop in finding.provenance_path)


def _part(plan: Plan, number: int) -> str:
    """Tell what a rule that makes no finding of its own is there for."""
    rule = plan.rules[number]
    if not rule.silent:
        return ""
    if rule.label:
        return f" (labels data {rule.label}, with no finding of its own)"
    users = [
        f"'{other.title}'"
        for other in plan.rules
        if other.correlation and number in other.correlation.rules + other.correlation.absent
    ]
    return f" (as a step of {', '.join(users)}, with no finding of its own)"


def _detection(scorer: Scorer, number: int, event: Event, *, hit: bool) -> Iterator[str]:
    plan = scorer.plan
    rule = plan.rules[number]
    says = "matches" if hit else "does not match"
    part = _part(plan, number) if hit else ""
    yield f"{rule.title}: {says} event {event.get('event.id')}{part}"
    kinds = kinds_of(event)
    if rule.kinds and set(kinds).isdisjoint(rule.kinds):
        wanted = ", ".join(kind.replace(SUCCESS, " that did not fail") for kind in rule.kinds)
        failed = "" if len(kinds) > 1 else " that failed"
        yield f"  it looks at {wanted}; this event is {kinds[0]}{failed}"
        return
    views: list[Mapping[str, Any]] = [event] if rule.view == "event" else list(records(event))
    if not views:
        yield "  auditd writes no record for this event"
        return
    used = {leaf: plan.predicates[leaf] for leaf in plan.leaves(rule.condition)}
    predicates = Predicates(used.items())
    told = [
        list(dict.fromkeys(_tell(plan, rule.condition, view, predicates.bits(view), wanted=hit)))
        for view in views
    ]
    yield from ("  " + line for line in min(told, key=len))


def _tell(plan: Plan, condition: Any, event: Mapping[str, Any], bits: int, *, wanted: bool) -> Iterator[str]:
    """Tell the predicates that make the condition what it is: why it holds (`wanted`), or what stops it."""
    if _holds(condition, bits) != wanted:
        return
    if isinstance(condition, int):
        predicate = plan.predicates[condition]
        sign = "yes" if wanted else "no "
        yield f"{sign} {describe_predicate(predicate)}{_value(predicate.field, event)}"
        return
    operator, *parts = condition
    if operator == "not":
        for line in _tell(plan, parts[0], event, bits, wanted=not wanted):
            yield f"{'yes' if wanted else 'no '} not: {line[4:]}"
        return
    decided_together = (operator == "or") != wanted  # each part has a say in it
    for part in gather(plan, parts):
        if not isinstance(part, Alike):
            yield from _tell(plan, part, event, bits, wanted=wanted)
        elif decided_together:
            words = describe_alike(plan, operator, part)
            field = plan.predicates[part.numbers[0]].field
            yield f"{'yes' if wanted else 'no '} {words}{_value(field, event)}"
        else:
            for number in part.numbers:
                yield from _tell(plan, number, event, bits, wanted=wanted)


def _holds(condition: Any, bits: int) -> bool:
    if isinstance(condition, int):
        return bool(bits >> condition & 1)
    operator, *parts = condition
    if operator == "not":
        return not _holds(parts[0], bits)
    join = all if operator == "and" else any
    return join(_holds(part, bits) for part in parts)


def _value(field: str, event: Mapping[str, Any]) -> str:
    if field == KEYWORD:
        return ""
    if field not in event:
        return " (the event has no such field)"
    text = repr(event[field])
    return f" (it is {text if len(text) <= _SHOWN else text[: _SHOWN - 1] + '…'})"
