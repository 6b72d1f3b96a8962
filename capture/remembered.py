"""A cache of what is computed from texts, bounded in size: the few long ones are computed again."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

ENTRIES = 32_768
LONGEST = 256
"""The longest text that is remembered, if nothing else is said: most paths are shorter by half."""

Text = TypeVar("Text", str, bytes)
V = TypeVar("V")


def remembered(compute: Callable[[Text], V], longest: int = LONGEST) -> Callable[[Text], V]:
    """Remember what a function gives for a text, unless that is longer than `longest`.

    >>> seen = []
    >>> shout = remembered(lambda text: seen.append(len(text)) or text.upper())
    >>> [len(shout(text)) for text in ("a", "a", "b" * 999, "b" * 999)], seen
    ([1, 1, 999, 999], [1, 999, 999])
    """
    kept = lru_cache(maxsize=ENTRIES)(compute)

    def recall(text: Text) -> V:
        return kept(text) if len(text) <= longest else compute(text)

    return recall
