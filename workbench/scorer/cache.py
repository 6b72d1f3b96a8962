"""A bounded cache in two generations: what is used often survives, what is not is forgotten."""

from __future__ import annotations

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Cache(Generic[K, V]):
    """A mapping that holds at most `2 × budget` units of weight; forgetting costs time, never meaning.

    Readers look into `young` themselves (one dictionary lookup) and call `recall` on a miss.
    """

    __slots__ = ("_budget", "_old", "_weight", "young")

    def __init__(self, budget: int) -> None:
        self.young: dict[K, V] = {}
        self._old: dict[K, V] = {}
        self._budget = budget
        self._weight = 0

    def recall(self, key: K, weight: int = 1) -> V | None:
        """Give what the older generation still knows, moving it to the younger; None for nothing."""
        value = self._old.get(key)
        if value is not None:
            self.store(key, value, weight)
        return value

    def store(self, key: K, value: V, weight: int = 1) -> None:
        """Remember a value; when the younger generation is full it becomes the older."""
        if weight > self._budget:
            return
        self._weight += weight
        if self._weight > self._budget:
            self._old, self.young, self._weight = self.young, {}, weight
        self.young[key] = value
