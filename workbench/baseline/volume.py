"""What volumes are normal: mean and spread, with the recent past weighing more."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any

from river import stats

from workbench.baseline.base import Baseline
from workbench.scorer.enrich.drift_features import Volumes

FADING = 0.05  # half of the weight lies on the last 14 observations
READY_AFTER = 8
SPREAD_FLOOR = 0.02  # of the log scale: a past of identical sessions must not make one more file a surprise


class Volume(Baseline):
    """Deviation of a session's volumes from their exponentially weighted mean, in standard deviations.

    One observation is `Volumes.vector()`. The score is the largest excess over all volumes; less than usual
    is not a surprise.
    """

    def __init__(self, fading: float = FADING) -> None:
        self.fading = fading
        self.seen_ = 0
        self.mean_ = {name: stats.EWMean(fading) for name in Volumes.NAMES}
        self.variance_ = {name: stats.EWVar(fading) for name in Volumes.NAMES}

    @property
    def ready(self) -> bool:
        """Whether at least `READY_AFTER` observations were learned."""
        return self.seen_ >= READY_AFTER

    def learn_one(self, x: Mapping[str, Any]) -> None:
        """Learn one vector of volumes."""
        self.seen_ += 1
        for name in Volumes.NAMES:
            self.mean_[name].update(x[name])
            self.variance_[name].update(x[name])

    def score_one(self, x: Mapping[str, Any]) -> float | None:
        """Give the largest excess in standard deviations; None while not ready."""
        if not self.ready:
            return None
        return float(max((x[name] - mean) / spread for name, (mean, spread) in self.freeze().items()))

    def freeze(self) -> dict[str, list[float]]:
        """Give each volume's mean and deviation."""
        return {
            name: [
                float(self.mean_[name].get()),
                max(SPREAD_FLOOR, sqrt(max(0.0, float(self.variance_[name].get() or 0.0)))),
            ]
            for name in Volumes.NAMES
        }
