"""Counts and aggregates that slide over the timespan, and fire when their condition turns true."""

from __future__ import annotations

import operator
from bisect import bisect_left, insort
from collections import OrderedDict, deque
from collections.abc import Callable
from math import ceil, fsum
from typing import Any

import msgspec

from workbench.event import Event, Value
from workbench.scorer.field_index import number_of
from workbench.scorer.plan import Correlation
from workbench.scorer.sighting import Completion, Sighting

WINDOW = 4_096
"""The most values an aggregate holds for a group; older ones are dropped and counted."""

LONG = 256
"""The most bytes of a value that are remembered as they are."""

EVIDENCE = 100
"""The most events a count names as its evidence: the latest."""

COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
    "eq": operator.eq,
    "neq": operator.ne,
}


class Window:
    """One group's matches in the timespan; `measure` is what the condition compares.

    The condition is judged at each match, after those that are too old (more than the timespan) have left. It
    fires when it turns true, and again only after a match has found it false.
    """

    __slots__ = ("_correlation", "_evidence", "_holds", "dropped")

    def __init__(self, correlation: Correlation) -> None:
        self._correlation = correlation
        self._evidence: deque[Sighting] = deque(maxlen=EVIDENCE)
        self._holds = False
        self.dropped = 0

    def observe(self, sighting: Sighting, event: Event) -> Completion | None:
        """Take a match; give the matches in the window when the condition turns true."""
        oldest = sighting.time - self._correlation.timespan
        while self._evidence and self._evidence[0].time < oldest:
            self._evidence.popleft()
        if not self.take(sighting.time, oldest, event):
            return None
        self._evidence.append(sighting)
        held, self._holds = (
            self._holds,
            COMPARE[self._correlation.compare](self.measure(), self._correlation.threshold),
        )
        if held or not self._holds:
            return None
        return Completion(self._evidence[0].time, tuple(self._evidence))

    @property
    def holds(self) -> bool:
        """Whether the condition held at the latest match."""
        return self._holds

    def any(self) -> bool:
        """Whether there is a match to measure."""
        return bool(self._evidence)

    def take(self, time: int, oldest: int, event: Event) -> bool:
        """Let go of what is older than `oldest`, and take the event's value; False when it has none."""
        raise NotImplementedError

    def measure(self) -> float:
        """Give the number that the condition compares."""
        raise NotImplementedError

    def content(self) -> Any:
        """Give what the window holds as plain data."""
        raise NotImplementedError

    def refill(self, data: Any) -> None:
        """Take what the window holds from plain data."""
        raise NotImplementedError

    def snapshot(self) -> Any:
        """Give the state as plain data."""
        return [self._holds, msgspec.to_builtins(list(self._evidence)), self.content()]

    def restore(self, data: Any) -> None:
        """Take the state from plain data; raises msgspec.ValidationError when it is malformed."""
        self._holds, evidence, content = msgspec.convert(data, tuple[bool, list[Sighting], Any])
        self._evidence = deque(evidence, maxlen=EVIDENCE)
        self.refill(content)

    def _enough(self) -> int:
        """How many matches settle any comparison with the threshold."""
        return max(1, ceil(self._correlation.threshold) + 1)


class EventCount(Window):
    """`event_count`: how many matches; no more times are kept than the condition can tell apart."""

    __slots__ = ("_times",)

    def __init__(self, correlation: Correlation) -> None:
        super().__init__(correlation)
        self._times: deque[int] = deque(maxlen=self._enough())

    def take(self, time: int, oldest: int, event: Event) -> bool:
        """Count the match."""
        while self._times and self._times[0] < oldest:
            self._times.popleft()
        self._times.append(time)
        return True

    def measure(self) -> float:
        """Give the number of matches."""
        return len(self._times)

    def content(self) -> Any:
        """Give the times."""
        return list(self._times)

    def refill(self, data: Any) -> None:
        """Take the times."""
        self._times = deque(msgspec.convert(data, list[int]), maxlen=self._enough())


class ValueCount(Window):
    """`value_count`: how many distinct values of the fields; the latest few are enough to tell."""

    __slots__ = ("_latest",)

    def __init__(self, correlation: Correlation) -> None:
        super().__init__(correlation)
        self._latest: OrderedDict[tuple[str, ...], int] = OrderedDict()

    def take(self, time: int, oldest: int, event: Event) -> bool:
        """Remember the values; a match without one of the fields is not counted."""
        while self._latest and next(iter(self._latest.values())) < oldest:
            self._latest.popitem(last=False)
        values = tuple(event.get(name) for name in self._correlation.values)
        if None in values:
            return False
        key = tuple(distinct(value) for value in values if value is not None)
        self._latest[key] = time
        self._latest.move_to_end(key)
        if len(self._latest) > self._enough():
            self._latest.popitem(last=False)
        return True

    def measure(self) -> float:
        """Give the number of distinct values."""
        return len(self._latest)

    def content(self) -> Any:
        """Give the values with their latest times."""
        return [[list(key), time] for key, time in self._latest.items()]

    def refill(self, data: Any) -> None:
        """Take the values with their latest times."""
        self._latest = OrderedDict(msgspec.convert(data, list[tuple[tuple[str, ...], int]]))


def distinct(value: Value) -> str:
    """Give a text that two values share only when they are equal and of one type; of a long one, its SHA-256.

    >>> distinct(1), distinct("1"), distinct(["a", "b"]), len(distinct("x" * 1_000_000))
    ('1', '"1"', '["a","b"]', 64)
    """
    try:
        text = msgspec.json.encode(value)
    except UnicodeEncodeError:
        text = ascii(value).encode()
    if len(text) <= LONG:
        return text.decode()
    from hashlib import sha256  # noqa: PLC0415 - loads OpenSSL: not for what importing the scorer costs

    return sha256(text).hexdigest()


class Aggregate(Window):
    """`value_sum`, `value_avg`, `value_median` and `value_percentile` of a field's numbers."""

    __slots__ = ("_sorted", "_total", "_values")

    def __init__(self, correlation: Correlation) -> None:
        super().__init__(correlation)
        self._values: deque[tuple[int, int | float]] = deque()
        self._sorted: list[int | float] = []
        self._total = 0

    def take(self, time: int, oldest: int, event: Event) -> bool:
        """Take the number; a match without one is not counted."""
        while self._values and self._values[0][0] < oldest:
            self._leave()
        value = event.get(self._correlation.values[0])
        number = None if value is None or isinstance(value, list) else number_of(value)
        if number is None:
            return False
        if len(self._values) >= WINDOW:
            self._leave()
            self.dropped += 1
        self._values.append((time, number))
        insort(self._sorted, number)
        if isinstance(number, int):
            self._total += number
        return True

    def _leave(self) -> None:
        _, number = self._values.popleft()
        del self._sorted[bisect_left(self._sorted, number)]
        if isinstance(number, int):
            self._total -= number

    def measure(self) -> float:
        """Give the sum, mean, median or nearest-rank percentile; whole numbers are summed exactly."""
        count = len(self._sorted)
        match self._correlation.type:
            case "value_sum":
                return self._sum()
            case "value_avg":
                return self._sum() / count
            case "value_median":
                return (self._sorted[(count - 1) // 2] + self._sorted[count // 2]) / 2
            case _:
                rank = max(1, -(-self._correlation.percentile * count // 100))
                return self._sorted[rank - 1]

    def _sum(self) -> int | float:
        fractions = [number for number in self._sorted if isinstance(number, float)]
        return fsum([self._total, *fractions]) if fractions else self._total

    def content(self) -> Any:
        """Give the numbers with their times."""
        return [list(pair) for pair in self._values]

    def refill(self, data: Any) -> None:
        """Take the numbers with their times."""
        self._values = deque(msgspec.convert(data, list[tuple[int, int | float]]))
        self._sorted = sorted(number for _, number in self._values)
        self._total = sum(number for _, number in self._values if isinstance(number, int))


WINDOWS: dict[str, type[Window]] = {
    "event_count": EventCount,
    "value_count": ValueCount,
    "value_sum": Aggregate,
    "value_avg": Aggregate,
    "value_median": Aggregate,
    "value_percentile": Aggregate,
}
"""Correlation type → how it counts."""
