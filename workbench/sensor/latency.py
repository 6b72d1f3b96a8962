"""How long after an event its verdict came, in bounded memory."""

from __future__ import annotations

_PARTS = 16  # of what an octave's figures reach up to; they lie in its upper half, in eight of them


class Latency:
    """A histogram whose buckets are an eighth of an octave wide, so a figure is at most 12.5 % too high.

    >>> latency = Latency()
    >>> for microseconds in range(1, 1001):
    ...     latency.add(microseconds * 1000)
    >>> 480 < latency.quantile(0.5) < 530
    True
    """

    def __init__(self) -> None:
        self._buckets: dict[tuple[int, int], int] = {}
        self.count = 0

    def add(self, nanoseconds: int) -> None:
        """Count one."""
        value = max(nanoseconds, 1)
        octave = value.bit_length()
        part = value * _PARTS >> octave
        self._buckets[octave, part] = self._buckets.get((octave, part), 0) + 1
        self.count += 1

    def quantile(self, share: float) -> float:
        """Give the microseconds within which so large a share of all lies."""
        wanted = share * self.count
        for octave, part in sorted(self._buckets):
            wanted -= self._buckets[octave, part]
            if wanted <= 0:
                return round((part + 1) * (1 << octave) / _PARTS / 1_000, 1)
        return 0.0

    def told(self) -> dict[str, float]:
        """Give the usual quantiles, microseconds."""
        return {f"p{100 * share:g}": self.quantile(share) for share in (0.5, 0.99, 0.999, 1.0)}
