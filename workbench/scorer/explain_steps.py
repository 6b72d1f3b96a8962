"""What kept a correlation from firing on an event: which step, link, group, count or absence."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from workbench.event import Event
from workbench.scorer.correlator import SESSION, Correlator, Fired, Joiner
from workbench.scorer.plan import OWN, Correlation, Plan
from workbench.scorer.reason import describe_span
from workbench.scorer.scorer import Scorer

_SECOND = 1_000_000_000
_KEPT = 10_000
_NEVER = "no event has matched"
_CALL = "gen_ai.tool.call.id"

Base = dict[str, Any]
"""Group field → value, None where the event lacks it; those of a correlation's own key are left out."""


class Match(NamedTuple):
    """A match of a step or an absent rule: when, by which event, and what ties it to others."""

    time: int
    event_id: str
    session: str
    base: Base
    call: str
    line: list[str]
    origins: list[str]


class Watch:
    """The matches that some correlations were told of, by the position of their rule in each."""

    def __init__(self, plan: Plan, correlator: Correlator, watched: Iterable[int]) -> None:
        self._correlator = correlator
        self._used: dict[int, dict[str, str]] = defaultdict(dict)  # rule → event used up → by what
        self.matches: dict[tuple[int, int], deque[Match]] = defaultdict(lambda: deque(maxlen=_KEPT))
        self._listeners: dict[int, list[tuple[Joiner, int]]] = defaultdict(list)
        waiting, seen = list(watched), set()
        while waiting:
            number = waiting.pop()
            correlation = plan.rules[number].correlation
            if number in seen or correlation is None:
                continue
            seen.add(number)
            for position, named in enumerate(correlation.rules + correlation.absent):
                self._listeners[named].append((correlator.joiners[number], position))
                waiting.append(named)

    def matched(self, numbers: Iterable[int], event: Event, now: int) -> None:
        """Take the rules that an event matched."""
        for number in numbers:
            for joiner, position in self._listeners.get(number, ()):
                match = _match(joiner, position, event, now)
                self.matches[joiner.rule, position].append(match)

    def fired(self, done: Iterable[Fired]) -> None:
        """Take the correlations that fired."""
        for fired in done:
            self.matched([fired.rule], fired.event, fired.time)
            for sighting in fired.completion.sightings:
                last = str(fired.event.get("event.id", ""))
                self._used[fired.rule].update(dict.fromkeys(sighting.events, last))

    def of_event(self, rule: int, position: int, event_id: str) -> Match | None:
        """Give the match of a step by an event."""
        found = self.matches[rule, position]
        return next((match for match in reversed(found) if match.event_id == event_id), None)

    def latest(self, rule: int, position: int) -> list[Match]:
        """Give the matches of a step, latest first."""
        return list(reversed(self.matches[rule, position]))

    def user(self, rule: int, event_id: str) -> str:
        """Give the event on which the rule fired with an event as evidence, if it did."""
        return self._used[rule].get(event_id, "")

    def measured(self, rule: int, match: Match) -> str:
        """Tell what a count or aggregate is in the group of a match, and what is wanted."""
        joiner = self._correlator.joiners[rule]
        correlation = joiner.correlation
        wanted = f"{correlation.compare} {correlation.threshold}"
        of = f" of {', '.join(correlation.values)}" if correlation.values else ""
        link: tuple[Any, ...] = () if correlation.link == "group" else (_link(correlation, match),)
        state = joiner.groups.get((*link, *match.base.values()))
        window = state.window if state else None
        if window is None or not window.any():
            return f"{correlation.type}{of}: this event has nothing to count"
        measure = f"{correlation.type}{of} is {window.measure():g}"
        if correlation.type.endswith("_count") and window.measure() > correlation.threshold:
            measure += " or more"  # no more is remembered than tells whether the condition holds
        if window.holds:
            return f"{measure}: it fired when it came to be {wanted}, and fires again once it was not"
        return f"{measure} within {describe_span(correlation.timespan)}, wanted {wanted}"


def _match(joiner: Joiner, position: int, event: Event, now: int) -> Match:
    correlation = joiner.correlation
    names = correlation.group[position] if correlation.group else ()
    return Match(
        now,
        str(event.get("event.id", "")),
        str(event.get(SESSION, "")),
        {name: event.get(name) for name in names if name[0] != OWN},
        str(event.get(_CALL, "")),
        joiner.links.line(event) if correlation.link == "lineage" else [],
        joiner.links.origins(event) if correlation.link == "provenance" else [],
    )


def _link(correlation: Correlation, match: Match) -> str:
    return match.call if correlation.link == "tool_call" else match.session


def apart(correlation: Correlation, earlier: Match, later: Match) -> str:
    """Tell what keeps two matches from being of one group; nothing when they are."""
    return next(_apart(correlation, earlier, later), "")


def _apart(correlation: Correlation, earlier: Match, later: Match) -> Iterator[str]:
    link = correlation.link
    for (name, value), (here, other) in zip(earlier.base.items(), later.base.items(), strict=False):
        if value is None or other is None:
            yield f"no {name if value is None else here} to group by"
        elif value != other:
            yield f"of another group: {name} is {value!r}, not {other!r}"
    if link == "session" and earlier.session != later.session:
        yield f"in session {earlier.session!r}"
    if link == "tool_call" and not (earlier.call and earlier.call == later.call):
        yield f"in tool call {earlier.call!r}, not {later.call!r}" if earlier.call else "in no tool call"
    if link == "lineage" and not (earlier.line and earlier.line[0] in later.line):
        yield "by a process that is no ancestor of this event's"
    if link == "provenance" and set(earlier.origins).isdisjoint(later.origins):
        yield "the data that this event's process holds did not come by it"


def step_lines(
    scorer: Scorer, watch: Watch, number: int, event_id: str, tell: Callable[[int], list[str]]
) -> list[str]:
    """Tell of each step of a correlation when it was last matched, and what keeps that apart from the event.

    `tell` says of a rule why it did not match the event.
    """
    correlation = scorer.plan.rules[number].correlation
    assert correlation is not None
    ours = _ours(watch, number, correlation, event_id)
    lines = []
    for position, step in enumerate(correlation.rules):
        title = scorer.plan.rules[step].title
        never = any(position in term.none for term in correlation.terms)
        head = f"  step {position + 1}, {'not ' if never else ''}{title}:"
        if watch.of_event(number, position, event_id):
            lines.append(f"{head} this event matches")
            continue
        found = watch.latest(number, position)
        told = _nearest(watch, number, correlation, found, ours, scorer.now) if found else _NEVER
        lines.append(f"{head} {told}")
        if not found or not ours:
            lines += [f"    {line}" for line in tell(step)]
    if ours and not correlation.type.startswith("temporal"):
        lines.append(f"  {watch.measured(number, ours)}")
    steps = len(correlation.rules)
    for position, absent in enumerate(correlation.absent, steps):
        if found := watch.latest(number, position):
            told = _nearest(watch, number, correlation, found, ours, scorer.now)
            lines.append(f"  to be absent, {scorer.plan.rules[absent].title}: {told}")
    return lines


def absent_lines(scorer: Scorer, watch: Watch, number: int, event_id: str) -> Iterator[str]:
    """Tell by which event, after the one named, a rule matched that was to be absent."""
    correlation = scorer.plan.rules[number].correlation
    if correlation is None or not correlation.absent:
        return
    ours = _ours(watch, number, correlation, event_id)
    if ours is None:
        return
    for position, absent in enumerate(correlation.absent, len(correlation.rules)):
        for match in watch.matches[number, position]:
            since = match.time - ours.time
            if (
                match is not ours
                and 0 <= since <= correlation.timespan
                and not apart(correlation, match, ours)
            ):
                title = scorer.plan.rules[absent].title
                after = f"{since / _SECOND:g} s after"
                yield f"  to be absent, {title}: matched by event {match.event_id}, {after}"
                break


def _ours(watch: Watch, number: int, correlation: Correlation, event_id: str) -> Match | None:
    """Give the event as a match of the last of the steps that it matches."""
    positions = range(len(correlation.rules) - 1, -1, -1)
    return next((match for one in positions if (match := watch.of_event(number, one, event_id))), None)


def _nearest(
    watch: Watch, number: int, correlation: Correlation, found: list[Match], ours: Match | None, now: int
) -> str:
    """Tell of the match that came nearest: the latest of the event's group, else the latest."""
    tied = [match for match in found if ours and not apart(correlation, match, ours)]
    match = (tied or found)[0]
    why = []
    if now - match.time > correlation.timespan:
        why.append(f"longer ago than the timespan of {describe_span(correlation.timespan)}")
    if ours and not tied:
        why.append(apart(correlation, match, ours))
    if correlation.type.startswith("temporal") and (user := watch.user(number, match.event_id)):
        why.append(f"used up when the rule fired on event {user}")
    when = f"last matched by event {match.event_id}, {(now - match.time) / _SECOND:g} s before"
    return ", ".join([when, *why])
