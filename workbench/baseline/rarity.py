"""Rarity by river's protocol; what it learns and how is `workbench.scorer`'s, which needs no river."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.baseline.base import Baseline
from workbench.scorer.enrich import drift_rarity


class Rarity(Baseline):
    """Surprise of a categorical feature, −log of the share of sessions that had the value, in nats.

    One observation is the set of values of one session, `{"values": {…}}`, so that a session counts once
    however often it repeats a value; on a host with the number of the day, `{"values": {…}, "day": 20_000}`.

    >>> rarity = Rarity()
    >>> for _ in range(20):
    ...     rarity.learn_one({"values": {"git", "python3"}})
    >>> round(rarity.score_one({"values": {"git"}}), 2), round(rarity.score_one({"values": {"nc"}}), 2)
    (0.02, 3.74)
    """

    def __init__(self) -> None:
        self.past_ = drift_rarity.Rarity()

    @property
    def ready(self) -> bool:
        """Whether enough sessions were learned."""
        return self.past_.ready

    def learn_one(self, x: Mapping[str, Any]) -> None:
        """Count the values of one session, each once."""
        self.past_.learn(x["values"], x.get("day"))

    def score_one(self, x: Mapping[str, Any]) -> float | None:
        """Give the surprise of the rarest value in nats; None while not ready or without values."""
        if not self.ready or not x["values"]:
            return None
        return max(self.past_.score(value) for value in x["values"])

    def freeze(self) -> dict[str, Any]:
        """Give the number of sessions and each value's count."""
        return self.past_.freeze()
