"""Curves over a score: precision against recall, and how often what a score promises comes true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import average_precision_score, precision_recall_curve

from workbench.evaluate.outcome import Outcome

_BINS = 10


@dataclass(frozen=True, slots=True)
class Point:
    """What alerting from this score on would give."""

    threshold: float
    precision: float
    recall: float
    false_positives_per_1000: float


@dataclass(frozen=True, slots=True)
class Curve:
    """Precision against recall, from the lowest threshold to the highest; `average_precision` is its area."""

    points: tuple[Point, ...]
    average_precision: float


def score_of(outcome: Outcome, signal: str = "") -> float:
    """Give a session's fused score, 0 to 100, or the strongest risk of one signal on the same scale."""
    return outcome.score if not signal else 100 * outcome.risks.get(signal, 0.0)


def precision_recall(outcomes: Sequence[Outcome], signal: str = "") -> Curve | None:
    """Give the curve of the fused score, or of one signal's risk; None unless both classes are there."""
    truth = np.array([outcome.malicious for outcome in outcomes], dtype=bool)
    if truth.all() or not truth.any():
        return None
    scores = np.array([score_of(outcome, signal) for outcome in outcomes])
    precision, recall, thresholds = precision_recall_curve(truth, scores)
    benign = scores[~truth]
    points = tuple(
        Point(
            round(float(threshold), 4),
            round(float(p), 4),
            round(float(r), 4),
            round(1000 * float((benign >= threshold).mean()), 1),
        )
        for p, r, threshold in zip(precision, recall, thresholds, strict=False)
    )
    return Curve(points, round(float(average_precision_score(truth, scores)), 4))


@dataclass(frozen=True, slots=True)
class Bar:
    """Sessions whose scores lie in one tenth: how many, their mean score (0 to 1), the share malicious."""

    sessions: int
    predicted: float
    observed: float


def reliability(outcomes: Sequence[Outcome]) -> list[Bar]:
    """Give the reliability diagram of the fused score, empty tenths left out."""
    tenths: dict[int, list[Outcome]] = {}
    for outcome in outcomes:
        tenths.setdefault(min(int(outcome.score / 100 * _BINS), _BINS - 1), []).append(outcome)
    return [
        Bar(
            len(group),
            round(float(np.mean([outcome.score / 100 for outcome in group])), 4),
            round(float(np.mean([outcome.malicious for outcome in group])), 4),
        )
        for _, group in sorted(tenths.items())
    ]
