"""Whether a pack may ship: its backtest against a policy, with every reason why not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from workbench.dataset.recording import Recording
from workbench.evaluate import latency
from workbench.evaluate.backtest import Report
from workbench.evaluate.outcome import Outcome
from workbench.evaluate.policy import Policy
from workbench.scorer import Scorer

TIMED_EVENTS = 20_000


def reasons_against(payload: bytes, report: Report, policy: Policy, directories: Sequence[Path]) -> list[str]:
    """Give every demand of the policy that the pack does not meet; none means it may ship."""
    reasons = [*_counts(report, policy), *_rates(report, policy), *_scenarios(report, policy)]
    reasons += _rules(payload, report, policy)
    if policy.latency_p99_9_us is not None:
        reasons += _latency(payload, directories, policy.latency_p99_9_us)
    return reasons


def _counts(report: Report, policy: Policy) -> Iterator[str]:
    for what, had, wanted in (
        ("malicious", report.verdict.malicious, policy.minimum_malicious),
        ("benign", report.verdict.benign, policy.minimum_benign),
    ):
        if had < wanted:
            yield f"{had} {what} sessions are too few to judge by: the policy wants {wanted}"


def _rates(report: Report, policy: Policy) -> Iterator[str]:
    for name, had, least in (
        ("recall", report.verdict.recall, policy.recall),
        ("precision", report.verdict.precision, policy.precision),
    ):
        if least is not None and (had is None or had < least):
            yield f"{name} is {_shown(had)}, the policy wants {least:g}"
    most, rate = policy.false_positives_per_1000, report.verdict.false_positives_per_1000
    if most is not None and (rate is None or rate > most):
        yield f"{_shown(rate)} false positives per 1,000 benign sessions, the policy allows {most:g}"
    twins = [outcome for outcome in report.outcomes if outcome.twin_of]
    if policy.false_positives_on_twins is not None and twins:
        share = sum(outcome.called for outcome in twins) / len(twins)
        if share > policy.false_positives_on_twins:
            yield f"{share:.3g} of benign twins alert, the policy allows {policy.false_positives_on_twins:g}"


def _scenarios(report: Report, policy: Policy) -> Iterator[str]:
    by_scenario: dict[str, list[Outcome]] = {}
    for outcome in report.outcomes:
        if outcome.malicious:
            by_scenario.setdefault(outcome.scenario, []).append(outcome)
    for name, least in sorted(policy.recall_by_scenario.items()):
        outcomes = by_scenario.get(name, [])
        if not outcomes:
            yield f"scenario {name}: no malicious session to judge by"
            continue
        recall = sum(outcome.called for outcome in outcomes) / len(outcomes)
        if recall < least:
            yield f"scenario {name}: recall is {recall:.3g}, the policy wants {least:g}"


def _rules(payload: bytes, report: Report, policy: Policy) -> Iterator[str]:
    loud = {rule.id: rule for rule in Scorer.from_payload(payload).plan.rules if not rule.silent}
    for result in report.rules:
        rule = loud[result.rule_id]
        rate = result.metrics.false_positives_per_1000
        if policy.rule_budgets and rule.budget is not None and rate is not None and rate > rule.budget:
            yield f"rule {rule.title!r}: {rate:g} false positives per 1,000, its budget is {rule.budget:g}"
        if policy.techniques and not any(".t" in tag for tag in rule.tags):
            yield f"rule {rule.title!r}: no ATT&CK or ATLAS technique"


def _latency(payload: bytes, directories: Sequence[Path], limit: float) -> Iterator[str]:
    recorded = [list(Recording.open(directory).events()) for directory in directories[:8]]
    measured = latency.measure(
        Scorer.from_payload(payload), latency.repeat_sessions(recorded, TIMED_EVENTS)
    ).summary()["p99.9"]
    if measured > limit:
        yield f"p99.9 latency is {measured:g} µs, the policy allows {limit:g}"


def _shown(value: float | None) -> str:
    return "not known" if value is None else f"{value:.3g}"
