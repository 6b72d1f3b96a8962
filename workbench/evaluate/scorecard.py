"""A scorecard: which rules to keep, to tune and to retire, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from workbench.evaluate.backtest import Report, RuleResult
from workbench.evaluate.metrics import ALERTING
from workbench.evaluate.overlap import covered_by, only_by

Advice = Literal["keep", "tune", "retire"]


@dataclass(frozen=True, slots=True)
class Card:
    """One rule's advice."""

    rule_id: str
    title: str
    advice: Advice
    why: str


def scorecard(report: Report) -> list[Card]:
    """Advise on every rule; those to retire and to tune come first.

    A rule that only false alarms came from, or whose attacks another rule catches with fewer, is to retire;
    one over its budget (without a budget: wrong more often than right) is to tune; a rule that no session
    calls for cannot be judged and stays.
    """
    alone = only_by(report)
    cards = [Card(rule.rule_id, rule.title, *_advise(report, rule, alone)) for rule in report.rules]
    return sorted(cards, key=lambda card: (("retire", "tune", "keep").index(card.advice), card.title))


def _advise(report: Report, rule: RuleResult, alone: dict[str, int]) -> tuple[Advice, str]:
    metrics = rule.metrics
    right, wrong = metrics.true_positives, metrics.false_positives
    counts = f"{right} of {metrics.malicious} attacks, {wrong} of {metrics.benign} benign sessions"
    if not right and not wrong:
        return "keep", "no session here calls for it: not judged"
    if rule.response not in ALERTING:
        return "keep", f"{counts}; it only audits, so it costs no alert"
    if fault := _fault(report, rule):
        return fault[0], f"{counts}: {fault[1]}"
    if not rule.proven:
        return "keep", f"{counts}; unproven: nothing benign came near it"
    return "keep", f"{counts}; {alone.get(rule.rule_id, 0)} attacks that no other rule catches"


def _fault(report: Report, rule: RuleResult) -> tuple[Advice, str] | None:
    right, wrong = rule.metrics.true_positives, rule.metrics.false_positives
    rate = rule.metrics.false_positives_per_1000 or 0.0
    if not right:
        return "retire", "nothing but false alarms"
    if wrong and (better := covered_by(report, rule.rule_id)):
        title = next(other.title for other in report.rules if other.rule_id == better)
        return "retire", f"{title!r} catches the same attacks with fewer false alarms"
    if rule.budget is not None and rate > rule.budget:
        return "tune", f"{rate:.0f} per 1,000, its budget is {rule.budget:g}"
    if rule.budget is None and wrong > right:
        return "tune", "wrong more often than right"
    return None
