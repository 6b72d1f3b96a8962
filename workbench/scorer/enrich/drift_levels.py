"""What volumes are normal: a level and a spread of each, with the recent past weighing more."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any

from workbench.scorer.enrich.drift_features import Volumes

READY_AFTER = 8
FADING = 0.05  # half of the weight lies on the last 14 sessions
SPREAD_FLOOR = 0.02  # of the log scale: a past of identical sessions must not make one more file a surprise
SHIFT_A_DAY, GROWTH_A_DAY = 0.05, 0.02
"""By how much of its spread a level may move on a host in one day, and its spread grow or shrink."""

# Huber's k (1964) for 95 % efficiency at the normal, and 1 / E[clip(Z, ±k)²], so that the spread is unbiased.
_CLIP, _CONSISTENCY = 1.345, 1.4081
_UNCLIPPED = int(1 / FADING)


class Levels:
    """Mean and variance of each volume, each session weighing `FADING`.

    After the first `1 / FADING` sessions, which weigh alike, what lies further out than 1.345 spreads is
    learned as if it lay there (Huber's M-estimator of location and scale): one strange session moves little.
    Learned with a day, as on a host, a day moves a level by at most `SHIFT_A_DAY` of its spread, and the
    spread by `GROWTH_A_DAY` of itself, whatever comes.
    """

    def __init__(self, frozen: Mapping[str, Any] | None = None) -> None:
        frozen = frozen or {}
        self.seen: int = frozen.get("seen", 0)
        self.levels: dict[str, tuple[float, float]] = {
            name: (mean, variance) for name, (mean, variance) in frozen.get("levels", {}).items()
        }
        self.day: int = frozen.get("day", -1)
        self.anchors: dict[str, tuple[float, float]] = {
            name: (mean, spread) for name, (mean, spread) in frozen.get("anchors", {}).items()
        }
        """Mean and spread of each volume as the day began."""
        self._today: list[tuple[float, float]] = [(m, s) for m, s in frozen.get("today", ())]
        """Sums of the means and spreads after each of the day's sessions, in the order of `Volumes.NAMES`."""
        self._sessions_today: int = frozen.get("sessions_today", 0)

    @property
    def ready(self) -> bool:
        """Whether at least `READY_AFTER` sessions were learned."""
        return self.seen >= READY_AFTER

    def spreads(self) -> dict[str, tuple[float, float]]:
        """Give each volume's mean and spread."""
        return {name: (mean, _spread(variance)) for name, (mean, variance) in self.levels.items()}

    def score(self, x: Mapping[str, float]) -> float:
        """Give the largest excess over a mean, in spreads; less than usual is no surprise."""
        return max((x[name] - mean) / spread for name, (mean, spread) in self.spreads().items())

    def learn(self, x: Mapping[str, float], day: int | None = None) -> None:
        """Learn the volumes of one session; `day` is the number of the day on a host."""
        if day is not None and day > self.day:
            self._begin(day)
        self.seen += 1
        weight = max(FADING, 1 / self.seen)
        clipped = self.seen > _UNCLIPPED
        for name in Volumes.NAMES:
            mean, variance = self.levels.get(name, (x[name], 0.0))
            away = x[name] - mean
            if clipped:
                most = _CLIP * _spread(variance)
                away = min(max(away, -most), most)
            of_variance = weight * (_CONSISTENCY if clipped else 1) * away * away
            variance = (1 - weight) * (variance + of_variance)
            mean += weight * away
            if day is not None and self.seen > READY_AFTER:
                mean, variance = self._bounded(name, mean, variance)
            self.levels[name] = mean, variance
        if day is not None:
            self._today = [
                (means + mean, spreads + spread)
                for (means, spreads), (mean, spread) in zip(
                    self._today or [(0.0, 0.0)] * len(Volumes.NAMES), self.spreads().values(), strict=True
                )
            ]
            self._sessions_today += 1

    def _begin(self, day: int) -> None:
        """Begin a day where the one before was on average: who comes last on a day decides nothing."""
        for name, (means, spreads) in zip(Volumes.NAMES, self._today, strict=False):
            mean, spread = means / self._sessions_today, spreads / self._sessions_today
            self.levels[name] = mean, spread * spread
        self.day, self.anchors = day, self.spreads()
        self._today, self._sessions_today = [], 0

    def _bounded(self, name: str, mean: float, variance: float) -> tuple[float, float]:
        was, spread = self.anchors[name]
        mean = min(max(mean, was - SHIFT_A_DAY * spread), was + SHIFT_A_DAY * spread)
        most, least = ((1 + by) * spread for by in (GROWTH_A_DAY, -GROWTH_A_DAY))
        return mean, min(max(variance, least * least), most * most)

    def freeze(self) -> dict[str, Any]:
        """Give each volume's mean and variance, and those the day began with."""
        levels = {name: list(pair) for name, pair in self.levels.items()}
        frozen: dict[str, Any] = {"seen": self.seen, "levels": levels}
        if self.day >= 0:
            anchors = {name: list(pair) for name, pair in self.anchors.items()}
            today = {"today": [list(sums) for sums in self._today], "sessions_today": self._sessions_today}
            frozen |= {"day": self.day, "anchors": anchors, **today}
        return frozen


def _spread(variance: float) -> float:
    return max(SPREAD_FLOOR, sqrt(variance))
