"""Correlations: which groups a match belongs to, what it completes there, and what that completes in turn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from workbench.event import Event, Value
from workbench.scorer.absence import Absences, Pending
from workbench.scorer.gathering import Gathering
from workbench.scorer.groups import LIMITS, Groups, Key, Limits
from workbench.scorer.links import Links
from workbench.scorer.plan import OWN, Correlation, Plan
from workbench.scorer.sequence import Sequence
from workbench.scorer.sighting import Completion, Sighting
from workbench.scorer.window import LONG, WINDOWS, Window, distinct

_SWEEP_EVERY, _SWEEP = 16, 64  # events, groups
SESSION = "gen_ai.conversation.id"
CONTEXT = (
    "event.id",
    SESSION,
    "process.entity_id",
    "gen_ai.tool.call.id",
    "attribution.actor",
    "attribution.confidence",
    "provenance.labels",
    "provenance.confidence",
)
"""What is remembered of the completing event while its window is open, beside the fields it is grouped by."""

Found = dict[int, Sighting]


class Fired(NamedTuple):
    """A correlation that fired at `time` (nanoseconds); `event` is the one that completed it."""

    rule: int
    time: int
    completion: Completion
    event: Event


class Moment(NamedTuple):
    """When something happened: `time` in nanoseconds, and the event's place in the stream."""

    time: int
    serial: int


class State(msgspec.Struct, gc=False):
    """One group: a machine for each term of a temporal correlation, or one window."""

    machines: tuple[Sequence | Gathering, ...]
    window: Window | None

    @classmethod
    def of(cls, correlation: Correlation) -> State:
        """Give the state that a group of a correlation begins with."""
        kind = Sequence if correlation.type == "temporal_ordered" else Gathering
        window = WINDOWS.get(correlation.type)
        return cls(
            tuple(kind(term, correlation.timespan) for term in correlation.terms),
            window(correlation) if window else None,
        )

    def observe(self, found: Found, event: Event) -> Completion | None:
        """Take an event's matches; of several completions the one that began latest is given."""
        if self.window:
            return self.window.observe(found[min(found)], event)
        completions = [done for machine in self.machines if (done := machine.observe(found))]
        return max(completions, key=lambda done: done.begun, default=None)

    def idle(self) -> bool:
        """Whether there is nothing to remember."""
        return self.window is None and all(machine.idle() for machine in self.machines)

    def snapshot(self) -> list[Any]:
        """Give the state as plain data."""
        return [part.snapshot() for part in (*self.machines, self.window) if part]

    def restore(self, data: list[Any]) -> None:
        """Take the state from plain data; raises ValueError when it is of another shape."""
        parts = [part for part in (*self.machines, self.window) if part]
        for part, saved in zip(parts, data, strict=True):
            part.restore(saved)


class Joiner:
    """One correlation rule at run time."""

    def __init__(self, rule: int, correlation: Correlation, links: Links, limits: Limits) -> None:
        self.rule = rule
        self.correlation = correlation
        self.groups: Groups[State] = Groups(correlation.timespan, limits)
        self.links = links
        self.width = len(correlation.group[0]) if correlation.group else 0
        self._steps = len(correlation.rules)
        self._ordered = correlation.type == "temporal_ordered"
        self._first = {term.every[0] for term in correlation.terms}
        self._later = {position for term in correlation.terms for position in term.every[1:] + term.none}

    def new_state(self) -> State:
        """Give the state that a group begins with."""
        return State.of(self.correlation)

    def observe(
        self, found: Found, event: Event, now: int, absences: Absences
    ) -> tuple[Key, Completion] | None:
        """Take an event's matches by position (absent rules follow the steps); give what they complete."""
        if self._ordered and not self.groups and not self._begins(found):
            return None
        best: tuple[Key, Completion] | None = None
        for key, mine in self._by_group(found, event).items():
            if max(mine) >= self._steps:
                absences.cancel(self.rule, key)
                self.groups.drop(key)
                continue
            if self._ordered and not self._begins(mine) and self.groups.get(key) is None:
                continue
            state = self.groups.touch(key, str(event.get(SESSION, "")), now, self.new_state)
            completion = state.observe(mine, event)
            if completion and state.idle():
                self.groups.drop(key)
            if completion and (best is None or completion.begun > best[1].begun):
                best = key, completion
        return best

    def _begins(self, found: Found) -> bool:
        """Whether there is more than later steps, which mean nothing while nothing came before them."""
        return not self._first.isdisjoint(found) or max(found) >= self._steps

    def _by_group(self, found: Found, event: Event) -> dict[Key, Found]:
        groups: dict[Key, Found] = {}
        for position, sighting in found.items():
            base = self._base(position, sighting, event)
            if base is None:
                continue
            for link in self._linked(position, base, event):
                groups.setdefault((*link, *base), {})[position] = sighting
        return groups

    def _base(self, position: int, sighting: Sighting, event: Event) -> Key | None:
        """Give the group-by values, None when the event lacks one: it then takes no part."""
        if not self.correlation.group:
            return ()
        values: list[Any] = []
        for name in self.correlation.group[position]:
            value = _own(sighting, name) if name[0] == OWN else event.get(name)
            if value is None:
                return None
            values.append(value if _short(value) else distinct(value))
        return tuple(values)

    def _linked(self, position: int, base: Key, event: Event) -> Iterable[Key]:
        link = self.correlation.link
        if link == "group":
            return ((),)
        if link == "session":
            return ((event.get(SESSION, ""),),)
        if link == "tool_call":
            call = event.get("gen_ai.tool.call.id")
            return ((call,),) if call else ()
        if link == "provenance":
            return [(origin,) for origin in self.links.origins(event)]
        return self._line(position, base, event)

    def _line(self, position: int, base: Key, event: Event) -> Iterator[Key]:
        """A first step opens the line of its process; later steps join the lines of it and its ancestors."""
        line = self.links.line(event)
        if position in self._first and line:
            yield (line[0],)
        if position in self._later or position >= self._steps:
            for entity in line:
                if self.groups.get((entity, *base)) is not None:
                    yield (entity,)


_rule = attrgetter("rule")


def _own(sighting: Sighting, name: str) -> Any:
    """Give what the correlation behind a sighting was grouped by; `name` is `#` and the place among those."""
    place = int(name[1:])
    return sighting.group[place] if place < len(sighting.group) else None


def _short(value: Value) -> bool:
    return len(value) <= LONG if isinstance(value, str) else not isinstance(value, list)


class Correlator:
    """All correlations of a plan."""

    def __init__(self, plan: Plan, links: Links, limits: Limits = LIMITS) -> None:
        self._plan = plan
        self.absences = Absences(limits.windows)
        self.joiners: dict[int, Joiner] = {}
        self._listeners: dict[int, list[tuple[Joiner, int]]] = defaultdict(list)
        kept = set(CONTEXT)
        for number, rule in enumerate(plan.rules):
            if rule.correlation is None:
                continue
            joiner = self.joiners[number] = Joiner(number, rule.correlation, links, limits)
            for position, named in enumerate(rule.correlation.rules + rule.correlation.absent):
                self._listeners[named].append((joiner, position))
            kept.update(name for names in rule.correlation.group for name in names)
            kept.update(rule.correlation.values)
        self._kept = tuple(sorted(kept))
        self._sweeping = list(self.joiners.values())
        self._turn = 0

    def observe(self, matched: Iterable[int], event: Event, now: int, serial: int) -> list[Fired]:
        """Take the rules an event matched, in their order; give the correlations that fire, in theirs."""
        waiting: dict[Joiner, Found] = {}
        event_id = str(event.get("event.id", ""))
        for number in matched:
            if number in self._listeners:
                rule = self._plan.rules[number]
                self._tell(number, Sighting(now, serial, (event_id,), (rule.name or rule.title,)), waiting)
        return self._run(waiting, event, now, serial) if waiting else []

    def _tell(self, number: int, sighting: Sighting, waiting: dict[Joiner, Found]) -> None:
        for joiner, position in self._listeners[number]:
            waiting.setdefault(joiner, {})[position] = sighting

    def _run(self, waiting: dict[Joiner, Found], event: Event, now: int, serial: int) -> list[Fired]:
        """Let the joiners work, lowest number first: a joiner only ever tells those with a higher one."""
        fired = []
        while waiting:
            joiner = min(waiting, key=_rule) if len(waiting) > 1 else next(iter(waiting))
            done = joiner.observe(waiting.pop(joiner), event, now, self.absences)
            if done is None:
                continue
            key, completion = done
            if joiner.correlation.absent:
                self._wait(joiner, key, completion, event)
                continue
            fired.append(Fired(joiner.rule, now, completion, event))
            self._pass_on(joiner, key, completion, Moment(now, serial), waiting)
        return fired

    def _pass_on(
        self, joiner: Joiner, key: Key, completion: Completion, at: Moment, waiting: dict[Joiner, Found]
    ) -> None:
        if joiner.rule in self._listeners:
            events = tuple(event for sighting in completion.sightings for event in sighting.events)
            rules = tuple(name for sighting in completion.sightings for name in sighting.rules)
            group = key[len(key) - joiner.width :]
            self._tell(joiner.rule, Sighting(at.time, at.serial, events, rules, group), waiting)

    def _wait(self, joiner: Joiner, key: Key, completion: Completion, event: Event) -> None:
        names = self._kept if joiner.rule in self._listeners else CONTEXT
        kept: dict[str, Value] = {name: event[name] for name in names if name in event}
        self.absences.add(
            Pending(
                deadline=completion.begun + joiner.correlation.timespan,
                rule=joiner.rule,
                session=str(event.get(SESSION, "")),
                key=key,
                completion=completion,
                event=kept,
            )
        )

    def advance(self, now: int, serial: int) -> list[Fired]:
        """Close the windows that ended before `now` (nanoseconds) and forget some of what has expired."""
        if self._sweeping and serial % _SWEEP_EVERY == 0:
            self._turn = (self._turn + 1) % len(self._sweeping)
            self._sweeping[self._turn].groups.expire(now, _SWEEP)
        if self.absences.earliest >= now:
            return []
        closing = self.absences.due(now)
        return [fired for pending in closing for fired in self._close(pending, pending.deadline, serial)]

    def end(self, session: str | None, now: int, serial: int) -> list[Fired]:
        """Close a session's windows (None: all of them) at `now`."""
        return [
            fired
            for pending in self.absences.end(session)
            for fired in self._close(pending, min(now, pending.deadline), serial)
        ]

    def _close(self, pending: Pending, time: int, serial: int) -> list[Fired]:
        waiting: dict[Joiner, Found] = {}
        joiner = self.joiners[pending.rule]
        self._pass_on(joiner, pending.key, pending.completion, Moment(time, serial), waiting)
        fired = [Fired(pending.rule, time, pending.completion, pending.event)]
        return fired + (self._run(waiting, pending.event, time, serial) if waiting else [])

    def counts(self) -> Mapping[str, int]:
        """Give the sizes and the evictions of the state."""
        return {
            "groups": sum(len(joiner.groups) for joiner in self.joiners.values()),
            "groups_evicted": sum(joiner.groups.evicted for joiner in self.joiners.values()),
            "windows": len(self.absences),
            "windows_evicted": self.absences.evicted,
        }
