"""What a pack must beat: judges that do not look at what happened."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.evaluate.backtest import judged
from workbench.evaluate.metrics import Metrics, measure
from workbench.evaluate.outcome import Outcome


def dummies(outcomes: Sequence[Outcome]) -> dict[str, Metrics]:
    """Judge by always, by never, and by event count, with the best threshold for F1 on these sessions."""
    return {
        "always": measure([judged(outcome, True) for outcome in outcomes]),
        "never": measure([judged(outcome, False) for outcome in outcomes]),
        "by event count": _by_count(outcomes),
    }


def _by_count(outcomes: Sequence[Outcome]) -> Metrics:
    malicious = sum(outcome.malicious for outcome in outcomes)
    best, best_f1 = 0, -1.0
    right = seen = 0
    # From the longest session down, calling everything this long or longer.
    for outcome in sorted(outcomes, key=lambda one: -one.events):
        seen, right = seen + 1, right + outcome.malicious
        f1 = 2 * right / (seen + malicious)
        if f1 > best_f1:
            best, best_f1 = outcome.events, f1
    return measure([judged(outcome, outcome.events >= best) for outcome in outcomes])
