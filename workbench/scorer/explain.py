"""Why a rule fired on an event, or which condition of which step stopped it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from workbench.errors import InputError
from workbench.event import Event
from workbench.scorer.auditd import records
from workbench.scorer.correlator import SESSION
from workbench.scorer.finding import Finding
from workbench.scorer.kind import SUCCESS, kinds_of
from workbench.scorer.plan import KEYWORD, Plan, Rule
from workbench.scorer.predicates import Predicates
from workbench.scorer.reason import Alike, describe_alike, describe_predicate, describe_span, gather
from workbench.scorer.scorer import Scorer

_SHOWN = 120
_SECOND = 1_000_000_000

Seen = dict[int, list[tuple[int, str, str]]]
"""Rule → its matches so far: time, event id, session."""


def explain_event(scorer: Scorer, events: Iterable[Event], event_id: str, rule: str = "") -> Iterator[str]:
    """Replay events up to the one named and tell, line by line, why rules fired on it or did not.

    `rule` is an id, name or title; without one, the rules that matched or fired are told. Raises
    InputError when there is no such event or rule.
    """
    plan = scorer.plan
    chosen = _choose(plan, rule)
    seen: Seen = {}
    for event in events:
        own, matched = scorer.examine(event)
        findings = scorer.conclude(own, matched)
        for number in matched:
            match = scorer.now, str(own.get("event.id", "")), str(own.get(SESSION, ""))
            seen.setdefault(number, []).append(match)
        fired = {finding.rule_id for finding in findings if finding.event_id == event_id}
        if own.get("event.id") == event_id:
            numbers = chosen or [
                number for number, one in enumerate(plan.rules) if number in matched or one.id in fired
            ]
            if not numbers:
                yield f"no rule matches event {event_id}; name one with --rule to see what stopped it"
            for number in numbers:
                yield from _explain(scorer, number, own, matched, findings, seen)
            return
    raise InputError(f"no event {event_id!r}", mend="give the event.id of one of the events")


def _choose(plan: Plan, name: str) -> list[int]:
    if not name:
        return []
    found = [number for number, rule in enumerate(plan.rules) if name in (rule.id, rule.name, rule.title)]
    if not found:
        raise InputError(f"no rule {name!r} in the pack", mend="see `workbench pack inspect`")
    return found


def _explain(
    scorer: Scorer, number: int, event: Event, matched: tuple[int, ...], findings: list[Finding], seen: Seen
) -> Iterator[str]:
    rule = scorer.plan.rules[number]
    finding = next((finding for finding in findings if finding.rule_id == rule.id), None)
    if rule.correlation is None:
        yield from _detection(scorer, number, event, hit=number in matched)
        return
    verdict = "fired" if finding else "did not fire"
    yield f"{rule.title}: {verdict} on event {event.get('event.id')}"
    if finding:
        yield f"  because {finding.reason}: events {', '.join(finding.evidence)}"
        yield from (f"  data: {hop}" for hop in finding.provenance_path)
        return
    if set(rule.correlation.rules) <= set(matched) and len(rule.correlation.rules) > 1:
        yield "  this event matches every step, but each step needs an event of its own"
    for position, step in enumerate(rule.correlation.rules):
        yield from _step(scorer, rule, position, step, event, matched, seen)


def _step(
    scorer: Scorer, rule: Rule, position: int, step: int, event: Event, matched: tuple[int, ...], seen: Seen
) -> Iterator[str]:
    assert rule.correlation is not None
    named = scorer.plan.rules[step]
    head = f"  step {position + 1}, {named.title}:"
    matches = seen.get(step, [])
    if step in matched:
        yield f"{head} this event matches"
    elif matches:
        time, event_id, session = matches[-1]
        ago = (scorer.now - time) / _SECOND
        late = ", longer ago than the timespan of " + describe_span(rule.correlation.timespan)
        elsewhere = f", in session {session!r}" if session != event.get(SESSION, "") else ""
        too_late = late if scorer.now - time > rule.correlation.timespan else ""
        yield f"{head} last matched by event {event_id}, {ago:g} s before{elsewhere}{too_late}"
    elif named.correlation is None:
        yield f"{head} no event has matched"
        yield from ("    " + line for line in _detection(scorer, step, event, hit=False))
    else:
        yield f"{head} has not fired"


def _detection(scorer: Scorer, number: int, event: Event, *, hit: bool) -> Iterator[str]:
    plan = scorer.plan
    rule = plan.rules[number]
    yield f"{rule.title}: {'matches' if hit else 'does not match'} event {event.get('event.id')}"
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
