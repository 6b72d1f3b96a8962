"""A bounded cache in two generations: what is used often survives, what is not is forgotten."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


ENTRY = 32
"""What an entry weighs by itself; a character of a text that is its key weighs 1."""


class Cache(dict[K, V]):
    """Remembers what `compute` gives for a key: reading it is one dictionary look-up.

    It holds at most twice `budget` in weight, and no key that alone weighs more than that; forgetting costs
    time, never meaning.

    >>> squares = Cache(lambda number: number * number, budget=2 * ENTRY)
    >>> [squares[number] for number in (3, 4, 5)], list(squares)
    ([9, 16, 25], [5])
    """

    __slots__ = ("_budget", "_compute", "_old", "_weight")

    def __init__(self, compute: Callable[[K], V], budget: int) -> None:
        self._compute = compute
        self._budget = budget
        self._weight = 0
        self._old: dict[K, V] = {}

    def __missing__(self, key: K) -> V:
        """Compute and remember; when this generation is full it becomes the older."""
        value = self._old.get(key)
        if value is None:
            value = self._compute(key)
        weight = ENTRY + len(key) if isinstance(key, str) else ENTRY
        if weight <= self._budget:
            self._weight += weight
            if self._weight > self._budget:
                self._old, self._weight = self.copy(), weight
                self.clear()
            self[key] = value
        return value
