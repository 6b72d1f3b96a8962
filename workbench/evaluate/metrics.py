"""Counts of sessions into precision, recall and false-positive rates, with intervals by session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv

Mask = npt.NDArray[np.bool_]
SEED, ROUNDS = 20_260_101, 1_000
ALERTING = ("alert", "block")
_HOUR = 3_600 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class Judged:
    """One session: was it malicious, was it called so, and for how long did it run (nanoseconds)."""

    malicious: bool
    called: bool
    duration: int = 0


@dataclass(frozen=True, slots=True)
class Metrics:
    """Rates over sessions; None where a rate has no denominator. Intervals are 95 %."""

    malicious: int
    benign: int
    true_positives: int
    false_positives: int
    precision: float | None
    recall: float | None
    f1: float | None
    precision_interval: tuple[float, float] | None
    recall_interval: tuple[float, float] | None
    false_positives_per_1000: float | None
    false_positives_per_1000_upper: float | None
    false_positives_per_agent_hour: float | None


def measure(sessions: Sequence[Judged]) -> Metrics:
    """Add up judged sessions.

    Intervals are percentile bootstraps over sessions (Efron and Tibshirani 1993), fixed seed. The upper bound
    of the false-positive rate is one-sided 95 % exact (Clopper and Pearson 1934), so that none seen in a few
    sessions does not read as none at all.

    >>> m = measure([Judged(True, True), Judged(True, False), Judged(False, False), Judged(False, True)])
    >>> m.precision, m.recall, m.f1, m.false_positives_per_1000
    (0.5, 0.5, 0.5, 500.0)
    """
    truth = np.array([session.malicious for session in sessions], dtype=bool)
    called = np.array([session.called for session in sessions], dtype=bool)
    tp, fp = int((truth & called).sum()), int((~truth & called).sum())
    malicious, benign = int(truth.sum()), int((~truth).sum())
    precision, recall = _ratio(tp, tp + fp), _ratio(tp, malicious)
    hours = sum(session.duration for session in sessions if not session.malicious) / _HOUR
    return Metrics(
        malicious=malicious,
        benign=benign,
        true_positives=tp,
        false_positives=fp,
        precision=precision,
        recall=recall,
        f1=_ratio(2 * tp, 2 * tp + fp + malicious - tp),
        precision_interval=_bootstrap(truth, called, given=called),
        recall_interval=_bootstrap(truth, called, given=truth),
        false_positives_per_1000=None if not benign else 1000 * fp / benign,
        false_positives_per_1000_upper=None if not benign else 1000 * _upper(fp, benign),
        false_positives_per_agent_hour=fp / hours if hours else None,
    )


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _bootstrap(truth: Mask, called: Mask, given: Mask) -> tuple[float, float] | None:
    if not given.any():
        return None
    rng = np.random.default_rng(SEED)
    draws = rng.integers(0, len(truth), size=(ROUNDS, len(truth)))
    hits, of = (truth & called)[draws].sum(axis=1), given[draws].sum(axis=1)
    low, high = np.quantile(hits[of > 0] / of[of > 0], [0.025, 0.975])
    return float(low), float(high)


def _upper(count: int, of: int, confidence: float = 0.95) -> float:
    return 1.0 if count == of else float(betaincinv(count + 1, of - count, confidence))
