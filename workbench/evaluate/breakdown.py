"""Recall and false alarms by scenario family, mutator, harness and source; rules against scenarios."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.evaluate.backtest import Report
from workbench.evaluate.metrics import Share, share
from workbench.evaluate.outcome import Outcome

BY: dict[str, Callable[[Outcome], str]] = {
    "family": lambda outcome: outcome.family,
    "mutator": lambda outcome: outcome.mutator or "none",
    "harness": lambda outcome: outcome.agent,
    "source": lambda outcome: outcome.source or "unknown",
}
"""What sessions may be grouped by."""


def recall_by(outcomes: Iterable[Outcome], name: str) -> dict[str, Share]:
    """Give the fused verdict's recall of malicious sessions in each group, in order of the group's name."""
    return _by(name, (outcome for outcome in outcomes if outcome.malicious))


def false_alarms_by(outcomes: Iterable[Outcome], name: str) -> dict[str, Share]:
    """Give the share of benign sessions that were alerted on in each group."""
    return _by(name, (outcome for outcome in outcomes if not outcome.malicious))


def twins(outcomes: Iterable[Outcome]) -> Share:
    """Give the share of benign twins of attacks that were alerted on."""
    return share(outcome.called for outcome in outcomes if outcome.twin_of)


def _by(name: str, outcomes: Iterable[Outcome]) -> dict[str, Share]:
    groups: dict[str, list[bool]] = defaultdict(list)
    for outcome in outcomes:
        groups[BY[name](outcome)].append(outcome.called)
    return {group: share(called) for group, called in sorted(groups.items())}


@dataclass(frozen=True)
class HeatMap:
    """Shares of a scenario's sessions (columns) that each rule (rows) called; rules that fired only."""

    rules: tuple[str, ...]
    scenarios: tuple[str, ...]
    shares: npt.NDArray[np.float64]


def heat_map(report: Report) -> HeatMap:
    """Lay rules against scenarios; benign scenarios come last, so that false alarms stand together."""
    malicious = {outcome.scenario for outcome in report.outcomes if outcome.malicious}
    scenarios = sorted({o.scenario for o in report.outcomes}, key=lambda name: (name not in malicious, name))
    fired = [rule for rule in report.rules if any(o.caught_by(rule.rule_id) for o in report.outcomes)]
    groups: Sequence[list[Outcome]] = [
        [outcome for outcome in report.outcomes if outcome.scenario == name] for name in scenarios
    ]
    shares = [
        [sum(outcome.caught_by(rule.rule_id) for outcome in group) / len(group) for group in groups]
        for rule in fired
    ]
    return HeatMap(
        tuple(rule.title for rule in fired),
        tuple(scenarios),
        np.array(shares, dtype=np.float64).reshape(len(fired), len(scenarios)),
    )
