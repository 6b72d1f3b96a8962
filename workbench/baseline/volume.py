"""Volumes by river's protocol; what they learn and how is `workbench.scorer`'s, which needs no river."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.baseline.base import Baseline
from workbench.scorer.enrich.drift_features import Volumes
from workbench.scorer.enrich.drift_levels import Levels


class Volume(Baseline):
    """Excess of a session's volumes over their usual level, in spreads.

    One observation is `Volumes.vector()`, on a host with the number of the day, `{…, "day": 20_000}`. The
    score is the largest excess over all volumes; less than usual is not a surprise.
    """

    def __init__(self) -> None:
        self.past_ = Levels()

    @property
    def ready(self) -> bool:
        """Whether enough sessions were learned."""
        return self.past_.ready

    def learn_one(self, x: Mapping[str, Any]) -> None:
        """Learn one vector of volumes."""
        self.past_.learn({name: x[name] for name in Volumes.NAMES}, x.get("day"))

    def score_one(self, x: Mapping[str, Any]) -> float | None:
        """Give the largest excess in spreads; None while not ready."""
        return self.past_.score(x) if self.ready else None

    def freeze(self) -> dict[str, Any]:
        """Give each volume's mean and variance."""
        return self.past_.freeze()
