"""Attribution while recording: the scorer's own stages, run over events on their way to disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from workbench.event import Event, Value
from workbench.registry import load
from workbench.scorer.enrich.attribution import Attribution
from workbench.scorer.enrich.lineage import Lineage

_LEARNT = frozenset({"process.ancestry"})  # what is not stored, since the scorer finds it again


class Attributed:
    """Gives each event its session, tool call and attribution.*; counts those that belong to no session.

    >>> start = {"@timestamp": 1, "event.category": "agent", "event.action": "session_start",
    ...          "gen_ai.conversation.id": "s1", "gen_ai.agent.name": "codex", "process.entity_id": "a"}
    >>> tool = {"@timestamp": 2, "event.category": "file", "event.action": "open", "process.entity_id": "a"}
    >>> stranger = {**tool, "process.entity_id": "b"}
    >>> attributed = Attributed([start, tool, stranger])
    >>> [event.get("gen_ai.conversation.id") for event in attributed], attributed.unattributed
    (['s1', 's1', None], 1)
    """

    def __init__(self, events: Iterable[Event], *, environment: bool = True) -> None:
        self._events = events
        self._lineage = Lineage()
        self._attribution = Attribution(load("agents"), environment=environment)
        self.unattributed = 0

    def __iter__(self) -> Iterator[dict[str, Value]]:
        """Give the events, in the order they came."""
        for event in self._events:
            own = dict(event)
            self._lineage.apply(own)
            self._attribution.apply(own)
            if "gen_ai.conversation.id" not in own:
                self.unattributed += 1
            yield {name: value for name, value in own.items() if name not in _LEARNT}


def attribute(events: Iterable[Event]) -> Iterator[dict[str, Value]]:
    """Give each event its session, tool call and attribution.*, where that is known."""
    return iter(Attributed(events))
