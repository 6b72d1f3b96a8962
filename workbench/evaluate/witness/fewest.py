"""Delta debugging: the fewest of some items for which something still holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def fewest(items: Sequence[T], holds: Callable[[list[T]], bool]) -> list[T]:
    """Give a part of the items, in their order, for which `holds` is true, and not without any one of them.

    `holds` is true of all the items. What stands first is left out first. The method is Zeller and
    Hildebrandt's ddmin (IEEE TSE 28(2), 2002, doi:10.1109/32.988498), complements only.

    >>> fewest(range(100), lambda some: {7, 40} <= set(some))
    [7, 40]
    """
    left = list(items)
    size = max(1, len(left) // 2)
    while left:
        start, cut = 0, False
        while start < len(left):
            rest = left[:start] + left[start + size :]
            if holds(rest):
                left, cut = rest, True
            else:
                start += size
        if size == 1 and not cut:
            return left
        size = size if cut and size == 1 else max(1, size // 2)
    return left
