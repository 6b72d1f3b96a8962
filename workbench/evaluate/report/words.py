"""How figures are worded, alike in every kind of report."""

from __future__ import annotations

from workbench.evaluate.metrics import Interval, Metrics, Share


def rate(value: float | None, interval: Interval | None = None) -> str:
    """Word a rate with its interval.

    >>> rate(0.5, (0.25, 1.0)), rate(None)
    ('0.50 [0.25, 1.00]', '–')
    """
    if value is None:
        return "–"
    return f"{value:.2f}" + (f" [{interval[0]:.2f}, {interval[1]:.2f}]" if interval else "")


def counted(part: Share) -> str:
    """Word a share: how many of how many, and the interval.

    >>> counted(Share(2, 3, 0.6667, (0.0943, 0.9916)))
    '2 of 3: 0.67 [0.09, 0.99]'
    """
    return f"{part.count} of {part.of}: {rate(part.share, part.interval)}" if part.of else "none to judge by"


def alarms(metrics: Metrics) -> str:
    """Word false alarms per 1,000 benign sessions, with their upper bound."""
    upper = metrics.false_positives_per_1000_upper
    return "–" if upper is None else f"{metrics.false_positives_per_1000:.0f} (≤ {upper:.0f})"


def per_hour(metrics: Metrics) -> str:
    """Word false alarms per hour of benign agent work."""
    found = metrics.false_positives_per_agent_hour
    return "–" if found is None else f"{found:.2f}"


METRICS = (
    "judge",
    "caught",
    "false alarms",
    "precision",
    "recall",
    "F1",
    "false alarms per 1,000 benign",
    "per agent-hour",
)
"""What `metrics_row` gives, in its order."""


def metrics_row(name: str, metrics: Metrics) -> tuple[str, ...]:
    """Word one judge's metrics."""
    return (
        name,
        f"{metrics.true_positives}/{metrics.malicious}",
        f"{metrics.false_positives}/{metrics.benign}",
        rate(metrics.precision, metrics.precision_interval),
        rate(metrics.recall, metrics.recall_interval),
        rate(metrics.f1, metrics.f1_interval),
        alarms(metrics),
        per_hour(metrics),
    )
