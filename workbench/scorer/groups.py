"""Bounded state by group: least recently used goes first, and every eviction is counted."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

import msgspec

S = TypeVar("S")
Key = tuple[object, ...]


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much correlation state is kept at most."""

    groups_per_rule: int = 50_000
    groups_per_session: int = 25_000
    windows: int = 50_000


LIMITS = Limits()


class _Entry(msgspec.Struct, gc=False):
    touched: int
    session: str
    state: Any


class Groups(Generic[S]):
    """The states of one rule, by group key; `timespan` in nanoseconds after the last touch a state is dead.

    A session that floods a rule with new groups pushes out its own before those of others.
    """

    __slots__ = ("_per_rule", "_per_session", "_sessions", "_states", "_timespan", "evicted")

    def __init__(self, timespan: int, limits: Limits = LIMITS) -> None:
        self._timespan = timespan
        self._per_rule = limits.groups_per_rule
        self._per_session = limits.groups_per_session
        self._states: OrderedDict[Key, _Entry] = OrderedDict()
        self._sessions: dict[str, OrderedDict[Key, None]] = {}
        self.evicted = 0

    def __len__(self) -> int:
        """Count the groups."""
        return len(self._states)

    def get(self, key: Key) -> S | None:
        """Give a group's state without touching it."""
        entry = self._states.get(key)
        return entry.state if entry is not None else None

    def touch(self, key: Key, session: str, now: int, make: Callable[[], S]) -> S:
        """Give a group's state, made when there is none, as the most recently used."""
        entry = self._states.get(key)
        if entry is not None:
            entry.touched = now
            self._states.move_to_end(key)
            self._sessions[entry.session].move_to_end(key)
            state: S = entry.state
            return state
        mine = self._sessions.setdefault(session, OrderedDict())
        if len(mine) >= self._per_session:
            self._evict(next(iter(mine)))
        elif len(self._states) >= self._per_rule:
            self._evict(next(iter(self._states)))
        state = make()
        self._states[key] = _Entry(now, session, state)
        self._sessions.setdefault(session, mine)[key] = None
        return state

    def _evict(self, key: Key) -> None:
        self.evicted += 1
        self.drop(key)

    def drop(self, key: Key) -> None:
        """Forget a group."""
        entry = self._states.pop(key, None)
        if entry is None:
            return
        mine = self._sessions[entry.session]
        del mine[key]
        if not mine:
            del self._sessions[entry.session]

    def expire(self, now: int, most: int) -> None:
        """Forget up to `most` groups whose last touch lies more than the timespan back."""
        for _ in range(most):
            if not self._states:
                return
            key, entry = next(iter(self._states.items()))
            if entry.touched + self._timespan >= now:
                return
            self.drop(key)

    def items(self) -> Iterator[tuple[Key, int, str, S]]:
        """Give (key, last touch, session, state), least recently used first."""
        for key, entry in self._states.items():
            yield key, entry.touched, entry.session, entry.state
