"""One recording seen once: its events as the scorer enriched them, and which of them complete what."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Set
from dataclasses import dataclass
from itertools import chain

from workbench.dataset.recording import Recording
from workbench.event import Event, Value
from workbench.scorer import Scorer
from workbench.scorer.hits import Hit, hits_at_close, hits_on

_FOLLOWED = "provenance."
"""Where data came from is followed anew, so that it shows."""


@dataclass(frozen=True)
class Scan:
    """Events by id, in order; of each rule asked for its first hit, the way its data came, and all it hit.

    In an attack a hit counts that rests on the attack's own events.
    """

    name: str
    story: str
    malicious: bool
    events: dict[str, Event]
    hits: dict[int, Hit]
    ways: dict[int, list[str]]
    all: dict[int, set[str]]

    def parts(self, rule: int) -> Iterator[list[Event]]:
        """Give ever larger parts of the events, the last of them all: on one of them the rule should fire."""
        hit = self.hits[rule]
        names = list(self.events)
        for wanted in (set(hit.evidence), {*hit.evidence, *self.ways[rule]}):
            yield [self.events[name] for name in names if name in wanted]
        if hit.event_id in self.events:
            yield [self.events[name] for name in names[: names.index(hit.event_id) + 1]]
        yield list(self.events.values())


def scan_recording(recording: Recording, scorer: Scorer, rules: Container[int]) -> Scan:
    """Score a recording; `scorer` has seen nothing else."""
    settings = recording.session.settings
    guilty = {label.event_id for label in recording.labels() if label.label == "malicious"}
    unnamed = "an attack" if guilty else "ordinary work"
    story = str(settings.get("twin_of") or settings.get("scenario") or unnamed)
    return scan(recording.events(), scorer, rules, name=recording.path.name, story=story, guilty=guilty)


def scan(
    stream: Iterable[Event],
    scorer: Scorer,
    rules: Container[int],
    *,
    name: str,
    story: str,
    guilty: Set[str],
) -> Scan:
    """Score the events of a recording of this name; those with the ids in `guilty` are the attack's."""
    events: dict[str, Event] = {}
    hits: dict[int, Hit] = {}
    ways: dict[int, list[str]] = {}
    every: dict[int, set[str]] = {}

    def note(found: Iterator[Hit]) -> None:
        for hit in found:
            if hit.rule in rules:
                every.setdefault(hit.rule, set()).add(hit.event_id)
            if hit.rule in rules and hit.rule not in hits and (not guilty or guilty & {*hit.evidence}):
                hits[hit.rule] = hit
                seen = (events[one] for one in hit.evidence if one in events)
                ways[hit.rule] = list(chain(*(_way(scorer, event) for event in seen)))

    for number, event in enumerate(stream, 1):
        own, matched = scorer.examine({"event.id": f"#{number}", **event})  # where a source gives none
        events[str(own.get("event.id", ""))] = _told(own)
        note(hits_on(scorer, own, matched))
    note(hits_at_close(scorer))
    return Scan(name, story, bool(guilty), events, hits, ways, every)


def _told(own: dict[str, Value]) -> Event:
    return {name: value for name, value in own.items() if not name.startswith(_FOLLOWED)}


def _way(scorer: Scorer, event: Event) -> list[str]:
    return scorer.stages.links.origins(event) if scorer.stages else []
