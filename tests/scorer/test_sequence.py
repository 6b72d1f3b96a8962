"""Sequences against their definition, by brute force."""

from __future__ import annotations

from itertools import combinations, permutations

from hypothesis import given
from hypothesis import strategies as st

from workbench.scorer.gathering import Gathering
from workbench.scorer.plan import Term
from workbench.scorer.sequence import Sequence
from workbench.scorer.sighting import Completion, Sighting

STREAM = st.lists(st.tuples(st.integers(0, 3), st.frozensets(st.integers(0, 2), min_size=1)), max_size=9)
SPAN = 6


def timed(stream: list[tuple[int, frozenset[int]]]) -> list[tuple[int, frozenset[int]]]:
    now, found = 0, []
    for gap, positions in stream:
        now += gap
        found.append((now, positions))
    return found


def sightings(serial: int, time: int, positions: frozenset[int]) -> dict[int, Sighting]:
    return {position: Sighting(time, serial, (str(serial),), ("r",)) for position in positions}


def first_chain(stream: list[tuple[int, frozenset[int]]], steps: int) -> int | None:
    """The event at which some e1 < … < en within the timespan is first complete."""
    for end in range(len(stream)):
        for before in combinations(range(end), steps - 1):
            chain = (*before, end)
            fits = all(step in stream[event][1] for step, event in enumerate(chain))
            if fits and stream[end][0] - stream[chain[0]][0] <= SPAN:
                return end
    return None


def first_set(stream: list[tuple[int, frozenset[int]]], steps: int) -> int | None:
    for end in range(len(stream)):
        recent = [event for event in range(end + 1) if stream[end][0] - stream[event][0] <= SPAN]
        if any(
            all(step in stream[event][1] for step, event in enumerate(chosen))
            for chosen in permutations(recent, steps)
        ):
            return end
    return None


def fired(
    machine: Sequence | Gathering, stream: list[tuple[int, frozenset[int]]]
) -> list[tuple[int, Completion]]:
    found = []
    for serial, (time, positions) in enumerate(stream):
        if done := machine.observe(sightings(serial, time, positions)):
            found.append((serial, done))
    return found


@given(STREAM, st.integers(1, 3))
def test_a_sequence_fires_when_a_chain_is_first_complete(
    stream: list[tuple[int, frozenset[int]]], steps: int
) -> None:
    events = timed(stream)
    found = fired(Sequence(Term(tuple(range(steps))), SPAN), events)
    assert (found[0][0] if found else None) == first_chain(events, steps)


@given(STREAM, st.integers(1, 3))
def test_a_gathering_fires_when_distinct_events_are_first_there(
    stream: list[tuple[int, frozenset[int]]], steps: int
) -> None:
    events = timed(stream)
    found = fired(Gathering(Term(tuple(range(steps))), SPAN), events)
    assert (found[0][0] if found else None) == first_set(events, steps)


@given(STREAM, st.integers(1, 3))
def test_every_chain_is_a_chain_and_no_event_is_used_twice(
    stream: list[tuple[int, frozenset[int]]], steps: int
) -> None:
    events = timed(stream)
    used: set[int] = set()
    for end, done in fired(Sequence(Term(tuple(range(steps))), SPAN), events):
        serials = [sighting.serial for sighting in done.sightings]
        assert serials == sorted(set(serials))
        assert serials[-1] == end
        assert len(serials) == steps
        assert all(step in events[serial][1] for step, serial in enumerate(serials))
        assert events[end][0] - done.begun <= SPAN
        assert not used & set(serials)
        used |= set(serials)


@given(STREAM, st.integers(0, 9))
def test_a_restart_changes_nothing(stream: list[tuple[int, frozenset[int]]], cut: int) -> None:
    events = timed(stream)
    term = Term((0, 1), none=(2,))
    for kind in (Sequence, Gathering):
        whole = [serial for serial, _ in fired(kind(term, SPAN), events)]
        first, second = kind(term, SPAN), kind(term, SPAN)
        found = [serial for serial, _ in fired(first, events[:cut])]
        second.restore(first.snapshot())
        for serial, (time, positions) in enumerate(events[cut:], len(events[:cut])):
            if second.observe(sightings(serial, time, positions)):
                found.append(serial)
        assert found == whole
