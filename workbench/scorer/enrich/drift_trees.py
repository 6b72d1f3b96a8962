"""How unusual a session is as a whole: frozen half-space trees."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any


class HalfSpaceTrees:
    """Frozen half-space trees (Tan, Ting and Liu, IJCAI 2011), scored as river scores them.

    Nodes are stored breadth-first: child of node i are 2i+1 and 2i+2.
    """

    def __init__(self, frozen: Mapping[str, Any]) -> None:
        window, height = frozen["window_size"], frozen["height"]
        limit = 0.1 * window
        self._trees = [
            _grow(tree["features"], tree["thresholds"], tree["masses"], limit) for tree in frozen["trees"]
        ]
        self._most: int = len(self._trees) * window * ((1 << (height + 1)) - 1)
        self.quantiles: list[float] = frozen["quantiles"]

    def raw(self, x: Mapping[str, float]) -> float:
        """Give river's anomaly score, 0 to 1."""
        total = 0
        for root in self._trees:
            node = root
            while node.__class__ is tuple:
                node = node[2] if x[node[0]] < node[1] else node[3]
            total += node
        return 1 - total / self._most

    def score(self, x: Mapping[str, float]) -> float:
        """Give the share of the baseline's own sessions that were less unusual than `x`."""
        return bisect_right(self.quantiles, self.raw(x)) / len(self.quantiles)


def _grow(features: Sequence[str], thresholds: Sequence[float], masses: Sequence[int], limit: float) -> Any:
    """Give a node as (feature, threshold, left, right), a leaf as the mass that counts on the way to it.

    A node at depth d counts its mass times 2^d; one of less mass than `limit` ends the way.
    """

    def node(at: int, weight: int, above: int) -> Any:
        counted = above + masses[at] * weight
        if at >= len(features) or masses[at] < limit:
            return counted
        left, right = (node(2 * at + side, 2 * weight, counted) for side in (1, 2))
        return features[at], thresholds[at], left, right

    return node(0, 1, 0)
