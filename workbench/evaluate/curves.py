"""Curves over a score: precision against recall, and how often what a score promises comes true."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import average_precision_score, precision_recall_curve

from workbench.evaluate.outcome import Outcome
from workbench.evaluate.reliability import Bin, reliability_bins


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


def reliability(outcomes: Iterable[Outcome]) -> list[Bin]:
    """Give the reliability diagram of the fused score as a probability."""
    return reliability_bins((outcome.score / 100, outcome.malicious) for outcome in outcomes)
