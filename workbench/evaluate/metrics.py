"""Counts of sessions into precision, recall, F1 and false-positive rates, with intervals by session."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv

from workbench.evaluate.outcome import ALERTING

__all__ = ["ALERTING", "Judged", "Metrics", "Share", "measure", "share"]

Counts = npt.NDArray[np.int64]
Interval = tuple[float, float]
SEED, ROUNDS = 20_260_101, 1_000
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
    precision_interval: Interval | None
    recall_interval: Interval | None
    f1_interval: Interval | None
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
    counted = Counter((session.malicious, session.called) for session in sessions)
    tp, fn, fp, tn = (counted[one] for one in ((True, True), (True, False), (False, True), (False, False)))
    malicious, benign = tp + fn, fp + tn
    hours = sum(session.duration for session in sessions if not session.malicious) / _HOUR
    drawn = _drawn(tp, fn, fp, tn)
    return Metrics(
        malicious=malicious,
        benign=benign,
        true_positives=tp,
        false_positives=fp,
        precision=_ratio(tp, tp + fp),
        recall=_ratio(tp, malicious),
        f1=_ratio(2 * tp, 2 * tp + fp + fn),
        precision_interval=_interval(drawn @ (1, 0, 0, 0), drawn @ (1, 0, 1, 0)),
        recall_interval=_interval(drawn @ (1, 0, 0, 0), drawn @ (1, 1, 0, 0)),
        f1_interval=_interval(drawn @ (2, 0, 0, 0), drawn @ (2, 1, 1, 0)),
        false_positives_per_1000=None if not benign else 1000 * fp / benign,
        false_positives_per_1000_upper=None if not benign else 1000 * _upper(fp, benign),
        false_positives_per_agent_hour=fp / hours if hours else None,
    )


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many, with the exact two-sided 95 % interval (Clopper and Pearson 1934)."""

    count: int
    of: int
    share: float | None
    interval: Interval | None


def share(flags: Iterable[bool]) -> Share:
    """Count flags.

    >>> share([True, True, False])
    Share(count=2, of=3, share=0.6667, interval=(0.0943, 0.9916))
    """
    known = list(flags)
    count, of = sum(known), len(known)
    if not of:
        return Share(0, 0, None, None)
    low = 0.0 if count == 0 else float(betaincinv(count, of - count + 1, 0.025))
    interval = round(low, 4), round(_upper(count, of, 0.975), 4)
    return Share(count, of, round(count / of, 4), interval)


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _drawn(*counts: int) -> Counts:
    """Give, for each round, how often each outcome is among as many sessions drawn with replacement.

    That is a multinomial draw: what it takes does not grow with the number of sessions.
    """
    total = sum(counts)
    rng = np.random.default_rng(SEED)
    return rng.multinomial(total, np.array(counts) / max(1, total), size=ROUNDS)


def _interval(part: Counts, whole: Counts) -> Interval | None:
    if not whole.any():
        return None
    low, high = np.quantile(part[whole > 0] / whole[whole > 0], [0.025, 0.975])
    return float(low), float(high)


def _upper(count: int, of: int, confidence: float = 0.95) -> float:
    return 1.0 if count == of else float(betaincinv(count + 1, of - count, confidence))
