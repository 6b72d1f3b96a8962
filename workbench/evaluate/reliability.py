"""The reliability diagram: did things come true as often as was said?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import fmean

import msgspec

Said = tuple[float, bool]
"""A probability that was said, 0 to 1, and whether it came true."""


class Bin(msgspec.Struct, frozen=True):
    """What was said alike: the mean probability, the share that came true, and how many there were."""

    predicted: float
    observed: float
    count: int


def pooled(said: Sequence[Said]) -> Bin:
    """Put all into one bin; means are rounded to four digits. Raises StatisticsError when there are none.

    >>> pooled([(0.5, True), (0.75, False)])
    Bin(predicted=0.625, observed=0.5, count=2)
    """
    predicted, observed = (round(fmean(values), 4) for values in zip(*said, strict=True))
    return Bin(predicted, observed, len(said))


def reliability_bins(said: Iterable[Said], bins: int = 10) -> list[Bin]:
    """Put what was said into equal bins from 0 to 1, empty ones left out; 1 belongs to the last.

    >>> [(one.predicted, one.count) for one in reliability_bins([(0.0, False), (0.95, True), (1.0, True)])]
    [(0.0, 1), (0.975, 2)]
    """
    groups: dict[int, list[Said]] = defaultdict(list)
    for probability, true in said:
        groups[min(int(probability * bins), bins - 1)].append((probability, true))
    return [pooled(groups[place]) for place in sorted(groups)]
