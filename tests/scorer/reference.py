"""A plain evaluator of a plan's detections: no index, no cache, no pattern sets. What it says is right."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from typing import Any

import re2

from workbench.event import TIMESTAMPS, Event
from workbench.scorer.kind import kinds_of
from workbench.scorer.plan import Plan, Predicate


def matches(plan: Plan, number: int, event: Event) -> bool:
    rule = plan.rules[number]
    return (not rule.kinds or not set(rule.kinds).isdisjoint(kinds_of(event))) and holds(
        plan, rule.condition, event
    )


def holds(plan: Plan, condition: Any, event: Event) -> bool:
    if isinstance(condition, int):
        return predicate_holds(plan.predicates[condition], event)
    operator, *parts = condition
    if operator == "not":
        return not holds(plan, parts[0], event)
    return (all if operator == "and" else any)(holds(plan, part, event) for part in parts)


def predicate_holds(predicate: Predicate, event: Event) -> bool:
    if predicate.field == "":
        values = [value for name, value in event.items() if name not in TIMESTAMPS]
        return any(one_holds(predicate, element) for value in values for element in elements(value))
    value = event.get(predicate.field)
    if predicate.op == "null":
        return value is None
    if predicate.op == "exists":
        return (value is not None) == predicate.value
    if predicate.op == "fieldref":
        other, part = predicate.value
        return any(
            {"whole": a == b, "start": a.startswith(b), "end": a.endswith(b), "any": b in a}[part]
            for a in map(fold, elements(value))
            for b in map(fold, elements(event.get(other)))
        )
    return any(one_holds(predicate, element) for element in elements(value))


def elements(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def fold(value: Any) -> str:
    return text(value).casefold()


def one_holds(predicate: Predicate, value: Any) -> bool:
    wanted = predicate.value
    change = text if predicate.cased else fold
    match predicate.op:
        case "exists" | "null":
            return predicate.op == "exists" and bool(wanted)
        case "equals":
            return change(value) == change(wanted)
        case "contains":
            return change(wanted) in change(value)
        case "startswith":
            return change(value).startswith(change(wanted))
        case "endswith":
            return change(value).endswith(change(wanted))
        case "like":
            return like([part if isinstance(part, int) else change(part) for part in wanted], change(value))
        case "regex":
            return re2.search(wanted, text(value)) is not None
        case "cidr":
            return in_network(text(value), wanted)
        case "time":
            part, number = wanted
            moment = datetime.fromtimestamp(value // 10**9, UTC)
            return (moment.isocalendar().week if part == "week" else getattr(moment, part)) == number
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
    if number is None:
        return False
    return {
        "lt": number < wanted,
        "lte": number <= wanted,
        "gt": number > wanted,
        "gte": number >= wanted,
    }[predicate.op]


def like(parts: list[Any], value: str) -> bool:
    if not parts:
        return value == ""
    head, rest = parts[0], parts[1:]
    if head == 0:
        return any(like(rest, value[start:]) for start in range(len(value) + 1))
    if head == 1:
        return value != "" and like(rest, value[1:])
    return value.startswith(head) and like(rest, value[len(head) :])


def in_network(value: str, network: str) -> bool:
    try:
        address = ip_address(value)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address) in ip_network(network)
