"""From events on which something holds to the least of them: fewest events, fields and words, small times."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from workbench.evaluate.witness.fewest import fewest
from workbench.event import REQUIRED, TIMESTAMPS, Event, Value, integer

Holds = Callable[[Sequence[Event]], bool]

KEPT = frozenset({*REQUIRED, "event.id"})
"""Fields that make an event one: they are not left out."""

_LONG, _SHORT = 40, 20  # characters from which a value loses the words that nothing looks at, and to which
_LAST = ("gen_ai.conversation.id", "process.entity_id")
"""Of fields that say the same, the ones that are kept."""

_NAMES = {
    "process.entity_id": "p",
    "process.target.entity_id": "p",
    "process.parent.entity_id": "p",
    "gen_ai.conversation.id": "s",
    "gen_ai.tool.call.id": "c",
    "gen_ai.prompt.id": "q",
    "file.inode": "",
    "file.device": "d",
}
_PIPE = re.compile(r"\bpipe:\[\d+\]")
_HOME = re.compile(r"/home/[\w.-]+")
_SECOND = 1_000_000_000
_DAY = 86_400 * _SECOND


@dataclass(frozen=True)
class Shortening:
    """What must hold of the events, the fields that are better kept, and those that must be, by event id."""

    holds: Holds
    looked_at: frozenset[str] = frozenset()
    kept: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def shorten(self, events: Sequence[Event]) -> list[Event]:
        """Give the least of the events for which it holds; it does for all of them.

        No one of its events and fields can be left out.
        """
        left = self._fewer(events)
        for change in (self._fewer_words, _named_shortly, _plain_paths):
            changed = change(left)
            left = changed if self.holds(changed) else left
        retimed = (_at(left, times) for times in _times(left))
        return self._fewer(next(filter(self.holds, retimed), left))

    def _fewer(self, events: Sequence[Event]) -> list[Event]:
        left = list(events)
        while (shorter := self._fields(fewest(left, self.holds))) != left:
            left = shorter
        return left

    def is_least(self, events: Sequence[Event]) -> bool:
        """Whether it holds of the events, and not without any one of them or of their fields."""
        without = [[*events[:n], *events[n + 1 :]] for n in range(len(events))]
        without += [self._of(events, {item}) for item in self._items(events)]
        return self.holds(events) and not any(map(self.holds, without))

    def _items(self, events: Sequence[Event]) -> list[tuple[int, str]]:
        """Give each field of each event that may be left out."""
        return [
            (number, name)
            for number, event in enumerate(events)
            for name in sorted(event.keys() - KEPT - self.kept.get(str(event.get("event.id")), frozenset()))
        ]

    @staticmethod
    def _of(events: Sequence[Event], left_out: set[tuple[int, str]]) -> list[Event]:
        return [
            {name: value for name, value in event.items() if (number, name) not in left_out}
            for number, event in enumerate(events)
        ]

    def _fields(self, events: Sequence[Event]) -> list[Event]:
        """Leave out fields, those first that nothing looks at."""
        left = list(events)
        for worth in range(3):
            items = [item for item in self._items(left) if self._worth(item[1]) == worth]

            left = self._fewest_of(left, items)
        return left

    def _fewest_of(self, events: Sequence[Event], items: Sequence[tuple[int, str]]) -> list[Event]:
        def with_these(some: Sequence[tuple[int, str]]) -> list[Event]:
            return self._of(events, set(items).difference(some))

        return with_these(fewest(items, lambda some: self.holds(with_these(some))))

    def _worth(self, name: str) -> int:
        return 2 if name in _LAST else int(name in self.looked_at)

    def _fewer_words(self, events: Sequence[Event]) -> list[Event]:
        """Take from long values what nothing looks at: last words of a text, elements of a list, decimals."""
        left = list(events)
        for number, event in enumerate(events):
            for name in event.keys() - KEPT:
                left = self._cut(left, number, name)
        return left

    def _cut(self, events: Sequence[Event], number: int, name: str) -> list[Event]:
        value = events[number][name]
        if isinstance(value, float):
            rounded = [*events[:number], {**events[number], name: round(value, 2)}, *events[number + 1 :]]
            return rounded if self.holds(rounded) else list(events)
        joined: Callable[[Sequence[str]], Value] = list if isinstance(value, list) else " ".join
        parts = value if isinstance(value, list) else str(value).split(" ")
        least = 1 if isinstance(value, list) else _SHORT

        def put(some: Sequence[str]) -> list[Event]:
            return [*events[:number], {**events[number], name: joined(some[::-1])}, *events[number + 1 :]]

        def will_do(some: Sequence[str]) -> bool:
            return len(joined(some)) >= least and self.holds(put(some))  # type: ignore[arg-type]  # text or list

        long = isinstance(value, list) or (isinstance(value, str) and len(value) > _LONG)
        last_first = parts[::-1]
        return put(fewest(last_first, will_do)) if long and will_do(last_first) else list(events)


def _named_shortly(events: Sequence[Event]) -> list[Event]:
    """Give processes, sessions, calls and files short names, the same ones the same."""
    names: dict[str, str] = {}
    for event in events:
        for name, letter in _NAMES.items():
            value = event.get(name)
            if isinstance(value, str) and value not in names:
                taken = sum(known.removeprefix(letter).isdigit() for known in names.values())
                names[value] = f"{letter}{taken + 1}"
    return [
        {
            name: names.get(value, value) if name in _NAMES and isinstance(value, str) else value
            for name, value in event.items()
        }
        for event in events
    ]


def _plain_paths(events: Sequence[Event]) -> list[Event]:
    """Put every home directory at one place, and number pipes from 1."""
    pipes: dict[str, str] = {}

    def plain(text: str) -> str:
        text = _HOME.sub("/home/dev", text)
        return _PIPE.sub(lambda found: pipes.setdefault(found[0], f"pipe:[{len(pipes) + 1}]"), text)

    return [
        {name: plain(value) if isinstance(value, str) else value for name, value in event.items()}
        for event in events
    ]


def _at(events: Sequence[Event], times: Sequence[int]) -> list[Event]:
    """Give the events at other times; what else they tell of time moves along."""
    moved: list[Event] = []
    for event, time in zip(events, times, strict=True):
        by = time - integer(event, "@timestamp")
        others = {name: integer(event, name) + by for name in TIMESTAMPS if name in event}
        moved.append({**event, **others})
    return moved


def _times(events: Sequence[Event]) -> Iterator[list[int]]:
    """Give times to try, the plainest first: a second apart, from the first event on, from its day on."""
    times = [integer(event, "@timestamp") for event in events]
    start = times[0] if times else 0
    yield [number * _SECOND for number in range(len(times))]
    yield [round((time - start) / _SECOND) * _SECOND for time in times]
    yield [time - start for time in times]
    night = start - start % _DAY
    whole = (start - night) // _SECOND * _SECOND
    yield [whole + number * _SECOND for number in range(len(times))]
    yield [time - night for time in times]
