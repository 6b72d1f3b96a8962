"""`temporal`: the same steps in any order, each by an event of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from workbench.scorer.plan import Term
from workbench.scorer.sighting import Completion, Sighting


class Gathering(msgspec.Struct, gc=False):
    """One group's events for one term: the latest few of each step; times are nanoseconds.

    As many events as the term has steps are kept of each, which is enough to find distinct events for all of
    them whenever that is possible. Completing empties the group.

    >>> gathering = Gathering(Term(every=(0, 1)), timespan=10)
    >>> take = lambda time, *steps: gathering.observe({step: Sighting(time, time, (), ()) for step in steps})
    >>> take(1, 1), take(12, 0)
    (None, None)
    >>> take(13, 1).begun
    12
    """

    term: Term
    timespan: int
    seen: list[list[Sighting]] = []
    shunned: int | None = None  # when last an event of `none` was seen

    def __post_init__(self) -> None:
        """Begin without events."""
        self.seen = [[] for _ in self.term.every]

    def observe(self, found: Mapping[int, Sighting]) -> Completion | None:
        """Take an event's matches by the position of their rule; give the events it completes, if it does."""
        every, none = self.term.every, self.term.none
        now = next(iter(found.values())).time
        if none and not found.keys().isdisjoint(none):
            self.shunned = now
        oldest = now - self.timespan
        served = False
        for step, position in enumerate(every):
            kept = [seen for seen in self.seen[step] if seen.time >= oldest]
            if position in found:
                kept.insert(0, found[position])  # latest first
                served = True
            self.seen[step] = kept[: len(every)]
        if not served or (self.shunned is not None and self.shunned >= oldest):
            return None
        chosen = self._distinct()
        if len(chosen) < (self.term.least or len(every)):
            return None
        self.seen = [[] for _ in every]
        sightings = tuple(chosen[step] for step in sorted(chosen))
        return Completion(min(seen.time for seen in sightings), sightings)

    def _distinct(self) -> dict[int, Sighting]:
        """Give as many steps as possible an event of their own (augmenting paths), later events first."""
        holder: dict[int, int] = {}  # serial → step
        chosen: dict[int, Sighting] = {}

        def place(step: int, tried: set[int]) -> bool:
            for sighting in self.seen[step]:
                if sighting.serial in tried:
                    continue
                tried.add(sighting.serial)
                occupant = holder.get(sighting.serial)
                if occupant is None or place(occupant, tried):
                    holder[sighting.serial] = step
                    chosen[step] = sighting
                    return True
            return False

        for step in range(len(self.term.every)):
            place(step, set())
        return chosen

    def idle(self) -> bool:
        """Whether there is nothing to remember."""
        return self.shunned is None and not any(self.seen)

    def snapshot(self) -> Any:
        """Give the state as plain data."""
        return msgspec.to_builtins([self.seen, self.shunned])

    def restore(self, data: Any) -> None:
        """Take the state from plain data; raises msgspec.ValidationError when it is malformed."""
        seen, self.shunned = msgspec.convert(data, tuple[list[list[Sighting]], int | None])
        if len(seen) != len(self.term.every):
            raise msgspec.ValidationError("wrong number of steps")
        self.seen = seen
