"""All that is said of a backtest, drawn from its outcomes."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.evaluate.backtest import Report
from workbench.evaluate.breakdown import BY, false_alarms_by, recall_by, twins
from workbench.evaluate.curves import Curve, precision_recall, reliability
from workbench.evaluate.dummies import dummies
from workbench.evaluate.metrics import Metrics, Share
from workbench.evaluate.outcome import ALERTING
from workbench.evaluate.overlap import Overlap, overlaps
from workbench.evaluate.reliability import Bin
from workbench.evaluate.scorecard import Card, scorecard
from workbench.evaluate.timeliness import Blocking, Timeliness, blocking, timeliness


@dataclass(frozen=True)
class Summary:
    """What a report's tables are made of.

    `twins` is the share of benign twins alerted on; `recall` and `false_alarms` are by family, mutator,
    harness and source; `blocked` simulates the pack's own blocking, `blocked_at_alert` one at every alert.
    """

    twins: Share
    timeliness: Timeliness
    recall: dict[str, dict[str, Share]]
    false_alarms: dict[str, dict[str, Share]]
    dummies: dict[str, Metrics]
    blocked: Blocking
    blocked_at_alert: Blocking
    curve: Curve | None
    reliability: list[Bin]
    scorecard: list[Card]
    overlaps: list[Overlap]


def summarise(report: Report) -> Summary:
    """Draw everything from a report's outcomes."""
    outcomes = report.outcomes
    return Summary(
        twins=twins(outcomes),
        timeliness=timeliness(outcomes),
        recall={name: recall_by(outcomes, name) for name in BY},
        false_alarms={name: false_alarms_by(outcomes, name) for name in BY},
        dummies=dummies(outcomes),
        blocked=blocking(outcomes),
        blocked_at_alert=blocking(outcomes, ALERTING),
        curve=precision_recall(outcomes),
        reliability=reliability(outcomes),
        scorecard=scorecard(report),
        overlaps=overlaps(report),
    )
