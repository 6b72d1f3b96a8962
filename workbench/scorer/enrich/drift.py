"""The drift stage: how unlike this agent's own past an event is, by frozen baselines.

A frozen baseline is plain data (see `workbench.baseline`): no river here. Nothing is said, rather than zero,
where a baseline is not ready.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import msgspec

from workbench.errors import PackError
from workbench.event import Value
from workbench.scorer.enrich.drift_features import Observation, Volumes, directory_of
from workbench.scorer.enrich.drift_past import POPULATION, AgentPast, View

_MAX_SESSIONS = 4_096
_DAY_NS = 86_400_000_000_000


class Session:
    """What drift remembers of a session: what it showed, whose it is, and by what it is judged."""

    __slots__ = ("agent", "scores", "scores_of", "seen", "version", "view")

    def __init__(self, agent: str = "", version: str = "", seen: Observation | None = None) -> None:
        self.agent, self.version = agent, version
        self.seen = seen or Observation()
        self.view: View | None = None
        self.scores: tuple[tuple[str, float], ...] = ()
        self.scores_of: object = None


class Drift:
    """Adds `drift.*` to events: against the agent's own past where that is ready, else the population's.

    Baselines whose pack says so go on learning on the host, from each session that ends without an alert.
    """

    def __init__(self, baselines: Sequence[Mapping[str, Any]]) -> None:
        self._baselines = baselines
        self.fitted = sha256(msgspec.msgpack.encode(list(baselines), order="deterministic")).hexdigest()
        self.pasts = {past.agent: past for past in map(AgentPast, baselines)}
        population = self.pasts.get(POPULATION)
        # Built here, so that a malformed baseline is refused when the pack is loaded.
        self.views = {
            (name, False): View(past, population, upgraded=False) for name, past in self.pasts.items()
        }
        self.learned = 0
        self.sessions: OrderedDict[str, Session] = OrderedDict()
        self.evicted = 0
        self._latest, self._current = "", Session()
        self._learns = any(past.learns_on_host for past in self.pasts.values())

    def anew(self) -> Drift:
        """Give a stage of the same baselines that has seen nothing, and learned nothing on a host."""
        return Drift(self._baselines)

    def apply(self, event: dict[str, Value]) -> None:
        """Add the drift fields this event can have; events outside a session have none."""
        session = event.get("gen_ai.conversation.id")
        if session is None or not self.pasts:
            return
        state = self._current if session == self._latest else self._session(str(session))
        seen = state.seen
        if not seen.directory and "process.working_directory" in event:
            seen.directory = directory_of(event)
        if (agent := event.get("gen_ai.agent.name", state.agent)) != state.agent:
            state.agent, state.view = str(agent), None
        if (version := event.get("gen_ai.agent.version", state.version)) != state.version:
            state.version, state.view = str(version), None
        view = state.view or self._view(state)
        if view is None:
            return
        key = event["event.category"], event["event.action"]
        if key in Volumes.COUNTED or "risk.intrinsic" in event:
            seen.volumes.learn(event, key)
        if self._learns:
            seen.collect(event, key)
        if (surprises := view.kinds.get(key)) is not None:
            for field, nats in surprises.of(event, seen.directory):
                event.setdefault(field, nats)
        if key[0] == "agent":
            x = seen.volumes.vector()
            if state.scores_of is not x:
                state.scores, state.scores_of = self._scores(view, x), x
            for field, score in state.scores:
                event.setdefault(field, score)

    @staticmethod
    def _scores(view: View, x: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
        found: list[tuple[str, float]] = []
        if view.trees is not None:
            found.append(("drift.session", view.trees.score(x)))
        if view.spreads:
            found.append(("drift.rate", view.rate(x)))
        if view.since >= 0:
            found.append(("drift.changed", view.since))
        return tuple(found)

    def _view(self, state: Session) -> View | None:
        """Find, once for a session's agent and version, what it is judged by."""
        own = self.pasts.get(state.agent) or self.pasts.get(POPULATION)
        if own is None:
            return None
        of = "" if own.agent == POPULATION else own.agent_version
        key = own.agent, bool(of and state.version and state.version != of)
        if key not in self.views:
            self.views[key] = View(own, self.pasts.get(POPULATION), upgraded=key[1])
        state.view, state.scores_of = self.views[key], None
        return state.view

    def end(self, session: str, time: int, *, alerted: bool) -> None:
        """Learn from a session that ended, where baselines go on learning; never from one with an alert."""
        state = self.sessions.pop(session, None)
        if session == self._latest:
            self._latest = ""
        if state is None or not self._learns or alerted:
            return
        day, everyone = max(0, time // _DAY_NS), self.pasts.get(POPULATION)
        for past, version in ((self.pasts.get(state.agent), state.version), (everyone, "")):
            if past is not None and past.learns_on_host:
                past.learn(state.seen, version, day=day, levels=everyone.levels if everyone else None)
        self.learned += 1
        self.views.clear()

    def _session(self, session: str) -> Session:
        state = self.sessions.get(session)
        if state is None:
            state = self.sessions[session] = Session()
            if len(self.sessions) > _MAX_SESSIONS:
                self.sessions.popitem(last=False)
                self.evicted += 1
        else:
            self.sessions.move_to_end(session)
        self._latest, self._current = session, state
        return state

    def snapshot(self) -> dict[str, Any]:
        """Give the sessions, and what was learned on the host, as plain data."""
        return {
            "evicted": self.evicted,
            "fitted": self.fitted,
            "learned": self.learned,
            "pasts": [past.freeze() for past in self.pasts.values()] if self.learned else [],
            "sessions": [
                [name, state.agent, state.version, state.seen.snapshot()]
                for name, state in self.sessions.items()
            ],
        }

    def restore(self, data: Mapping[str, Any]) -> None:
        """Take up a state that `snapshot` gave; what was learned only on top of these very baselines."""
        self.evicted = data["evicted"]
        if data["pasts"] and data["fitted"] == self.fitted:
            try:
                self.pasts = {past.agent: past for past in map(AgentPast, data["pasts"])}
            except PackError as error:
                raise ValueError(error.cause) from None
            self.learned = data["learned"]
        self.views.clear()
        self.sessions = OrderedDict(
            (name, Session(agent, version, Observation.restore(seen)))
            for name, agent, version, seen in data["sessions"]
        )
        self._latest = ""
