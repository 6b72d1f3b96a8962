"""Every rule that an event matches or completes, those that make no finding of their own among them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from workbench.event import Event, Value
from workbench.scorer.correlator import Fired
from workbench.scorer.scorer import Scorer


class Hit(NamedTuple):
    """Rule number `rule` of the plan, the id of the event that it completes on, and the events behind it."""

    rule: int
    event_id: str
    evidence: list[str]


def hits_of(scorer: Scorer, event: Event) -> Iterator[Hit]:
    """Score one event; give what it matches, then what it completes."""
    return hits_on(scorer, *scorer.examine(event))


def hits_on(scorer: Scorer, own: dict[str, Value], matched: tuple[int, ...]) -> Iterator[Hit]:
    """Conclude an examined event; give what it matches, then what it completes."""
    scorer.conclude(own, matched)
    name = str(own.get("event.id", ""))
    yield from (Hit(number, name, [name]) for number in matched)
    yield from _fired(scorer.fired)


def hits_at_close(scorer: Scorer) -> Iterator[Hit]:
    """Close every open window; give what was still waiting for something that never came."""
    scorer.close()
    yield from _fired(scorer.fired)


def _fired(fired: Iterable[Fired]) -> Iterator[Hit]:
    for done in fired:
        evidence = [event for sighting in done.completion.sightings for event in sighting.events]
        yield Hit(done.rule, str(done.event.get("event.id", "")), evidence)
