"""Correlation state as plain data, so that it survives a restart or a change of pack.

State belongs to a rule by what the rule *means* (its fingerprint), not by its number: a new pack takes up the
state of every correlation that still means the same, and leaves the rest.
"""

from __future__ import annotations

from typing import Any

import msgspec

from workbench.errors import InputError
from workbench.event import Value
from workbench.scorer.absence import Pending
from workbench.scorer.correlator import Correlator
from workbench.scorer.plan import Plan, expanded
from workbench.scorer.sighting import Completion

Scalar = str | int | float | bool


class SavedGroup(msgspec.Struct, array_like=True):
    """One group; `touched` is nanoseconds since 1970."""

    key: tuple[Scalar, ...]
    touched: int
    session: str
    state: list[Any]


class SavedRule(msgspec.Struct):
    """One correlation's groups, least recently used first."""

    groups: list[SavedGroup]
    evicted: int


class SavedWindow(msgspec.Struct):
    """One window that waits for its close."""

    rule: str
    deadline: int
    session: str
    key: tuple[Scalar, ...]
    completion: Completion
    event: dict[str, Value]


class Memory(msgspec.Struct):
    """The state of all correlations, by fingerprint."""

    rules: dict[str, SavedRule]
    windows: list[SavedWindow]


def fingerprint(plan: Plan, number: int) -> str:
    """Give a digest of what a rule means, whatever its number, title or risk."""
    from hashlib import sha256  # noqa: PLC0415 - loads OpenSSL: not for what importing the scorer costs

    return sha256(msgspec.json.encode(_meaning(plan, number), order="deterministic")).hexdigest()


def _meaning(plan: Plan, number: int) -> Any:
    rule = plan.rules[number]
    if rule.correlation is None:
        return [rule.view, sorted(rule.kinds), expanded(plan, rule.condition)]
    plain = msgspec.to_builtins(rule.correlation)
    for key in ("rules", "absent"):
        plain[key] = [_meaning(plan, index) for index in getattr(rule.correlation, key)]
    return plain


def save(plan: Plan, correlator: Correlator) -> dict[str, Any]:
    """Give the state of all correlations as plain data."""
    names = {number: fingerprint(plan, number) for number in correlator.joiners}
    memory = Memory(
        rules={
            names[number]: SavedRule(
                [SavedGroup(*item[:3], item[3].snapshot()) for item in joiner.groups.items()],  # type: ignore[arg-type]  # keys are scalars
                joiner.groups.evicted,
            )
            for number, joiner in correlator.joiners.items()
        },
        windows=[
            SavedWindow(
                rule=names[pending.rule],
                deadline=pending.deadline,
                session=pending.session,
                key=pending.key,  # type: ignore[arg-type]  # of scalars
                completion=pending.completion,
                event=pending.event,
            )
            for pending in correlator.absences.waiting()
        ],
    )
    plain: dict[str, Any] = msgspec.to_builtins(memory)
    return plain


def restore(plan: Plan, correlator: Correlator, data: Any) -> int:
    """Take up the state that still applies; gives how many groups and windows were left.

    Raises InputError when the data is malformed.
    """
    try:
        memory = msgspec.convert(data, Memory)
        numbers = {fingerprint(plan, number): number for number in correlator.joiners}
        left = 0
        for name, saved in memory.rules.items():
            if name not in numbers:
                left += len(saved.groups)
                continue
            joiner = correlator.joiners[numbers[name]]
            joiner.groups.evicted = saved.evicted
            for group in saved.groups:
                state = joiner.groups.touch(group.key, group.session, group.touched, joiner.new_state)
                state.restore(group.state)
        for window in memory.windows:
            if window.rule not in numbers:
                left += 1
                continue
            correlator.absences.add(
                Pending(
                    window.deadline,
                    numbers[window.rule],
                    window.session,
                    window.key,
                    window.completion,
                    window.event,
                )
            )
    except (msgspec.ValidationError, ValueError, TypeError) as error:
        raise InputError(f"the snapshot is malformed: {error}", mend="start without it") from None
    return left
