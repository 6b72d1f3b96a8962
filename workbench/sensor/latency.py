"""How long after an event its verdict came, in bounded memory."""

from __future__ import annotations

_PARTS = 16


class Latency:
    """A histogram whose buckets are an eighth of an octave wide, so a figure is at most 12.5 % too high.

    >>> latency = Latency()
    >>> for microseconds in range(1, 1001):
    ...     latency.add(microseconds * 1000)
    >>> 480 < latency.share(0.5) < 530
    True
    """

    def __init__(self) -> None:
        self._buckets: dict[tuple[int, int], int] = {}
        self.count = 0

    def add(self, nanoseconds: int) -> None:
        """Count one."""
        value = max(nanoseconds, 1)
        octave = value.bit_length()
        part = ((value << _PARTS) >> octave) * _PARTS >> _PARTS
        self._buckets[octave, part] = self._buckets.get((octave, part), 0) + 1
        self.count += 1

    def share(self, part: float) -> float:
        """Give the microseconds within which so large a part of all lies."""
        wanted = part * self.count
        for octave, slot in sorted(self._buckets):
            wanted -= self._buckets[octave, slot]
            if wanted <= 0:
                return round((slot + 1) * (1 << octave) / _PARTS / 1_000, 1)
        return 0.0

    def told(self) -> dict[str, float]:
        """Give the usual shares, microseconds."""
        return {f"p{100 * part:g}": self.share(part) for part in (0.5, 0.99, 0.999, 1.0)}
