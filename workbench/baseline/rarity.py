"""How rare a value is in an agent's past, counted in sessions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from workbench.baseline.base import Baseline
from workbench.scorer.enrich.drift import surprise

READY_AFTER = 8  # sessions; below it, even the never-seen would score under 2.9 nats
MAX_VALUES = 256  # at 40 bytes each, an agent's features stay under 64 kB in the pack


class Rarity(Baseline):
    """Surprise of a categorical feature, −log of the share of sessions that had the value, in nats.

    One observation is the set of values of one session, `{"values": {…}}`, so that a session counts once
    however often it repeats a value. At most `max_values` values are kept; the rarest give way.

    >>> rarity = Rarity()
    >>> for _ in range(20):
    ...     rarity.learn_one({"values": {"git", "python3"}})
    >>> round(rarity.score_one({"values": {"git"}}), 2), round(rarity.score_one({"values": {"nc"}}), 2)
    (0.02, 3.74)
    """

    def __init__(self, max_values: int = MAX_VALUES) -> None:
        self.max_values = max_values
        self.sessions_ = 0
        self.counts_: Counter[str] = Counter()

    @property
    def ready(self) -> bool:
        """Whether at least `READY_AFTER` sessions were learned."""
        return self.sessions_ >= READY_AFTER

    def learn_one(self, x: Mapping[str, Any]) -> None:
        """Count the values of one session, each once."""
        self.sessions_ += 1
        self.counts_.update(sorted(set(x["values"])))
        if len(self.counts_) > 2 * self.max_values:
            self.counts_ = Counter(dict(self._kept()))

    def score_one(self, x: Mapping[str, Any]) -> float | None:
        """Give the surprise of the rarest value in nats; None while not ready or without values."""
        if not self.ready or not x["values"]:
            return None
        return max(surprise(self.counts_[value], self.sessions_) for value in x["values"])

    def freeze(self) -> dict[str, Any]:
        """Give the number of sessions and each value's count."""
        return {"sessions": self.sessions_, "counts": dict(sorted(self._kept()))}

    def _kept(self) -> list[tuple[str, int]]:
        ranked = sorted(self.counts_.items(), key=lambda item: (-item[1], item[0]))
        return ranked[: self.max_values]
