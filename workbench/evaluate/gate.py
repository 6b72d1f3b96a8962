"""Whether a pack may ship: its backtest against a policy, with every reason why not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from workbench.dataset.recording import Recording
from workbench.evaluate import latency
from workbench.evaluate.backtest import Report
from workbench.evaluate.breakdown import twins
from workbench.evaluate.outcome import ALERTING
from workbench.evaluate.policy import Policy
from workbench.evaluate.timeliness import blocking, timeliness
from workbench.scorer import Scorer

TIMED_EVENTS = 20_000


def reasons_against(
    payload: bytes,
    report: Report,
    policy: Policy,
    directories: Sequence[Path],
    *,
    approvals: Mapping[str, str] = {},
) -> list[str]:
    """Give every demand of the policy that the pack does not meet; none means it may ship.

    `approvals` are those who signed the pack's content: key id → name.
    """
    reasons = [*_counts(report, policy), *_rates(report, policy), *_groups(report, policy)]
    reasons += _in_time(report, policy)
    reasons += _rules(payload, report, policy)
    if len(approvals) < policy.approvals:
        told = ", ".join(sorted(approvals.values())) or "nobody"
        reasons.append(f"approved by {told}: the policy wants {policy.approvals}")
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
    rate = report.verdict.false_positives_per_1000
    yield from _beyond(policy.false_positives_per_1000, rate, "false positives per 1,000 benign sessions")
    blocked = [o.recording for o in report.outcomes if not o.malicious and o.decision == "block"]
    if policy.benign_blocks is not None and len(blocked) > policy.benign_blocks:
        told = ", ".join(blocked)
        yield f"{len(blocked)} benign sessions are blocked, the policy allows {policy.benign_blocks}: {told}"
    yield from _beyond(policy.false_positives_on_twins, twins(report.outcomes).share, "of benign twins alert")


def _beyond(most: float | None, had: float | None, what: str) -> Iterator[str]:
    """Tell a share above what is allowed; one that nothing here can show is too."""
    if most is not None and (had is None or had > most):
        yield f"{_shown(had)} {what}, the policy allows {most:g}"


def _groups(report: Report, policy: Policy) -> Iterator[str]:
    wanted_by: dict[Literal["scenario", "family"], dict[str, float]] = {
        "scenario": policy.recall_by_scenario,
        "family": policy.recall_by_family,
    }
    for kind, wanted in wanted_by.items():
        by_name: dict[str, list[bool]] = {}
        for outcome in report.outcomes:
            if outcome.malicious:
                by_name.setdefault(getattr(outcome, kind), []).append(outcome.called)
        for name, least in sorted(wanted.items()):
            called = by_name.get(name, [])
            if not called:
                yield f"{kind} {name}: no malicious session to judge by"
            elif sum(called) / len(called) < least:
                yield f"{kind} {name}: recall is {sum(called) / len(called):.3g}, the policy wants {least:g}"


def _in_time(report: Report, policy: Policy) -> Iterator[str]:
    if policy.prevented is not None:
        prevented = timeliness(report.outcomes).prevented.share
        if prevented is None or prevented < policy.prevented:
            told = _shown(prevented)
            yield f"prevented is {told} of the exfiltrations, the policy wants {policy.prevented:g}"
    stopped = blocking(report.outcomes).benign.share
    yield from _beyond(policy.benign_calls_stopped, stopped, "of benign tool calls would be stopped")


def _rules(payload: bytes, report: Report, policy: Policy) -> Iterator[str]:
    loud = {rule.id: rule for rule in Scorer.from_payload(payload).plan.rules if not rule.silent}
    for result in report.rules:
        rule = loud[result.rule_id]
        rate = result.metrics.false_positives_per_1000
        if policy.rule_budgets and rule.budget is not None and rate is not None and rate > rule.budget:
            yield f"rule {rule.title!r}: {rate:g} false positives per 1,000, its budget is {rule.budget:g}"
        if policy.techniques and not any(".t" in tag for tag in rule.tags):
            yield f"rule {rule.title!r}: no ATT&CK or ATLAS technique"
        for wanted in policy.tags:
            if not any(tag.startswith(wanted) for tag in rule.tags):
                yield f"rule {rule.title!r}: no tag {wanted}…"
        if policy.tested and rule.response in ALERTING and not result.metrics.true_positives:
            yield f"rule {rule.title!r}: caught nothing here, so it is not tested"


def _latency(payload: bytes, directories: Sequence[Path], limit: float) -> Iterator[str]:
    recorded = [list(Recording.open(directory).events()) for directory in directories[:8]]
    measured = latency.measure(
        Scorer.from_payload(payload), latency.repeat_sessions(recorded, TIMED_EVENTS)
    ).summary()["p99.9"]
    if measured > limit:
        yield f"p99.9 latency is {measured:g} µs, the policy allows {limit:g}"


def _shown(value: float | None) -> str:
    return "not known" if value is None else f"{value:.3g}"
