"""How unusual a session is as a whole, by half-space trees."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Mapping
from typing import Any

from river.anomaly import HalfSpaceTrees

from workbench.baseline.base import Baseline

TREES, HEIGHT, WINDOW = 15, 5, 32
REMEMBERED = 512


class SessionShape(Baseline):
    """Share of an agent's past sessions that were less unusual than this one, 0 to 1.

    One observation is `Volumes.vector()`, already scaled to [0, 1], taken at each step of a session, so that
    an unfinished session is compared with unfinished ones. Not ready until the trees' first window is full.

    `seed` fixes the trees.
    """

    def __init__(self, seed: int = 7) -> None:
        self.seed = seed
        self.model_ = HalfSpaceTrees(n_trees=TREES, height=HEIGHT, window_size=WINDOW, seed=seed)
        self.seen_ = 0
        self.recent_: deque[dict[str, float]] = deque(maxlen=REMEMBERED)

    @property
    def ready(self) -> bool:
        """Whether the first window is full: river's trees return 0 before."""
        return self.seen_ >= WINDOW

    def learn_one(self, x: Mapping[str, Any]) -> None:
        """Learn one vector of volumes."""
        self.model_.learn_one(dict(x))
        self.recent_.append(dict(x))
        self.seen_ += 1

    def score_one(self, x: Mapping[str, Any]) -> float | None:
        """Give the share of remembered observations that score no higher; None while not ready."""
        if not self.ready:
            return None
        quantiles = self._quantiles()
        return bisect_right(quantiles, float(self.model_.score_one(dict(x)))) / len(quantiles)

    def freeze(self) -> dict[str, Any]:
        """Give the trees, each breadth-first, and the sorted scores of what was learned."""
        return {
            "height": HEIGHT,
            "window_size": WINDOW,
            "trees": [_flatten(tree) for tree in self.model_.trees],
            "quantiles": self._quantiles(),
        }

    def _quantiles(self) -> list[float]:
        return sorted(float(self.model_.score_one(x)) for x in self.recent_)


def _flatten(root: Any) -> dict[str, list[Any]]:
    level, features, thresholds, masses = [root], [], [], []
    while level:
        for node in level:
            masses.append(int(node.r_mass))
            if hasattr(node, "feature"):
                features.append(node.feature)
                thresholds.append(float(node.threshold))
        level = [child for node in level if hasattr(node, "feature") for child in node.children]
    return {"features": features, "thresholds": thresholds, "masses": masses}
