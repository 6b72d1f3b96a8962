"""What a pack can state in advance: blocking rules that a single look at an act decides, without any state.

A rule qualifies when it asks for a block, its own finding would make the verdict a block, and every field
that it looks at is known before the act; any other rule is left to the verdict and to containment.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.scorer import Finding
from workbench.scorer.payload import Payload
from workbench.scorer.plan import Predicate, Rule
from workbench.scorer.verdict import Weighing, read_weights

ACT = frozenset({"event.category", "event.action", "event.outcome", "gen_ai.conversation.id"})
"""Fields of any act of a session that is watched."""

SESSION = "in-advance"
"""The session of an act that has not happened: that there is one is known, which one does not matter."""


def rules_in_advance(payload: Payload, kind: str, fields: frozenset[str]) -> list[int]:
    """Give the numbers of the rules that decide a kind of act, such as file/open, by these fields alone."""
    wanted = (kind, f"{kind}/success")
    return [
        number
        for number, rule in enumerate(payload.plan.rules)
        if rule.response == "block"
        and rule.correlation is None
        and not rule.silent
        and rule.view == "event"
        and (not rule.kinds or any(each in rule.kinds for each in wanted))
        and all(each.field in fields | ACT for each in predicates_of(payload, rule))
        and _would_block(payload, rule)
    ]


def predicates_of(payload: Payload, rule: Rule) -> Iterator[Predicate]:
    """Give the predicates of a detection."""
    for number in payload.plan.leaves(rule.condition):
        yield payload.plan.predicates[number]


def finding_of(rule: Rule, **told: object) -> Finding:
    """Give the finding of a rule that decided in advance."""
    return Finding(
        rule_id=rule.id,
        rule_title=rule.title,
        level=rule.level,
        signal=rule.signal,
        risk=rule.risk,
        response=rule.response,
        steps=[rule.name or rule.title],
        tags=list(rule.tags),
        **told,  # type: ignore[arg-type]  # a finding's other fields, by name
    )


def _would_block(payload: Payload, rule: Rule) -> bool:
    fusion = read_weights(payload.fusion)
    alone = Weighing()
    alone.add({}, [finding_of(rule, timestamp=0, event_id="")], fusion["block_confidence"])
    return alone.verdict(fusion).decision == "block"
