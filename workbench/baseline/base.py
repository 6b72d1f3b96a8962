"""The protocol of every baseline: river's, plus `ready` and `freeze`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any


class Baseline(ABC):
    """A drift model of one agent's past; it scores before it learns, and says when it cannot score yet."""

    @property
    @abstractmethod
    def ready(self) -> bool:
        """Whether enough was learned to score."""

    @abstractmethod
    def learn_one(self, x: Mapping[str, Any]) -> None:
        """Learn one observation; `x` is not changed."""

    @abstractmethod
    def score_one(self, x: Mapping[str, Any]) -> float | None:
        """Score one observation, higher is stranger; None while not ready."""

    @abstractmethod
    def freeze(self) -> dict[str, Any]:
        """Give all that scoring needs as plain data, for the pack."""
