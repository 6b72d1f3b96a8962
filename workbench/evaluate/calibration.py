"""How much each signal should weigh: a logistic regression over labelled sessions, and how well it holds."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss
from sklearn.model_selection import StratifiedKFold

from workbench.dataset.recording import Recording
from workbench.errors import InputError
from workbench.evaluate.reliability import Bin, reliability_bins
from workbench.scorer import Scorer
from workbench.scorer.verdict import FUSION, SIGNALS

Floats = npt.NDArray[np.float64]
Truth = npt.NDArray[np.bool_]

_PER_WEIGHT = 10
_FOLDS, _BINS, _SEED = 5, 5, 20_260_101


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """One session: the strongest risk of each signal it showed, 0 to 1, and whether it was malicious."""

    recording: str
    malicious: bool
    risks: dict[str, float]


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """Fitted weights, log-odds for a risk of 100, and what is to be thought of them.

    The Brier scores weigh both classes alike (0 is perfect, 0.25 says nothing): `brier` is of sessions held
    out of the fit, `brier_before` of the weights judged by hand. `unseen` signals, which no session showed,
    keep those. `few` tells that the sessions are too few to trust the weights.
    """

    bias: float
    weights: dict[str, float]
    sessions: int
    malicious: int
    brier: float
    brier_before: float
    reliability: list[Bin]
    unseen: list[str]
    few: bool


def strongest_risks(payload: bytes, directory: Path) -> Example:
    """Score one recording with a pack's payload and give what its session showed of each signal."""
    recording = Recording.open(directory)
    scorer = Scorer.from_payload(payload)
    for event in recording.events():
        scorer.score(event)
    scorer.close()
    risks = scorer.verdicts.risks(recording.session.id)
    return Example(recording=directory.name, malicious=recording.malicious, risks=risks)


def calibrate(examples: Iterable[Example]) -> Calibration:
    """Fit the fusion's bias and weights.

    The regression is L2-regularised (C = 1) and weighs benign and malicious sessions alike, so a score of 50
    means even odds whatever their mix. No weight is negative: a signal that would have one weighs nothing,
    and the others are fitted anew. Ten sessions of the rarer class for each weight are asked for (Peduzzi et
    al. 1996, J. Clin. Epidemiol. 49). Raises InputError when one class has fewer than two sessions.
    """
    known = sorted(examples, key=lambda example: example.recording)
    truth = np.array([example.malicious for example in known], dtype=bool)
    rarer = int(min(truth.sum(), (~truth).sum()))
    if rarer < 2:  # to hold one out, another must be left
        raise InputError(
            f"{int(truth.sum())} malicious and {int((~truth).sum())} benign sessions",
            mend="calibrate on a dataset with at least two of each",
        )
    risks = np.array([[one.risks.get(signal, 0.0) for signal in SIGNALS] for one in known])
    seen = [bool(column.any()) for column in risks.T]
    bias, fitted = _fit(risks, truth)
    held_out = _held_out(risks, truth, min(_FOLDS, rarer))
    return Calibration(
        bias=round(bias, 4),
        weights={
            signal: round(float(weight), 4) if shown else float(FUSION["weights"][signal])
            for signal, weight, shown in zip(SIGNALS, fitted, seen, strict=True)
        },
        sessions=len(known),
        malicious=int(truth.sum()),
        brier=_brier(truth, held_out),
        brier_before=_brier(truth, _by_hand(risks)),
        reliability=reliability_bins(zip(held_out.tolist(), truth.tolist(), strict=True), _BINS),
        unseen=[signal for signal, shown in zip(SIGNALS, seen, strict=True) if not shown],
        few=rarer < _PER_WEIGHT * sum(seen),
    )


def as_fusion(calibration: Calibration) -> dict[str, Any]:
    """Give what a pack carries as `fusion`, and the report of the calibration beside it."""
    return {
        "bias": calibration.bias,
        "weights": calibration.weights,
        "calibration": msgspec.to_builtins(calibration),
    }


def _fit(risks: Floats, truth: Truth) -> tuple[float, Floats]:
    """Give bias and weights; signals whose weight would be negative are left out, worst first."""
    used = list(np.flatnonzero(risks.any(axis=0)))
    weights = np.zeros(risks.shape[1])
    while used:
        model = LogisticRegression(class_weight="balanced").fit(risks[:, used], truth)
        found = model.coef_[0]
        if found.min() >= 0:
            weights[used] = found
            return float(model.intercept_[0]), weights
        used.pop(int(found.argmin()))
    return 0.0, weights


def _held_out(risks: Floats, truth: Truth, folds: int) -> Floats:
    """Give each session's probability by a fit that has not seen it."""
    predicted = np.zeros(len(truth))
    split = StratifiedKFold(folds, shuffle=True, random_state=_SEED)
    for rest, held in split.split(risks, truth):
        bias, weights = _fit(risks[rest], truth[rest])
        predicted[held] = _probability(bias, weights, risks[held])
    return predicted


def _by_hand(risks: Floats) -> Floats:
    weights = np.array([FUSION["weights"][signal] for signal in SIGNALS])
    return _probability(FUSION["bias"], weights, risks)


def _probability(bias: float, weights: Floats, risks: Floats) -> Floats:
    probability: Floats = 1 / (1 + np.exp(-(bias + risks @ weights)))
    return probability


def _brier(truth: Truth, predicted: Floats) -> float:
    balanced = np.where(truth, 1 / truth.sum(), 1 / (~truth).sum())
    return round(float(brier_score_loss(truth, predicted, sample_weight=balanced)), 4)
