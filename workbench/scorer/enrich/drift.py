"""The drift stage: how unlike this agent's own past an event is, by frozen baselines.

A frozen baseline is plain data (see `workbench.baseline`): no river here. Nothing is said, rather than zero,
where a baseline is not ready.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from math import log
from typing import Any

from workbench.errors import PackError
from workbench.event import Value
from workbench.scorer.enrich.drift_features import FEATURES, OF_THE_AGENT, Extractor, Volumes

FROZEN_VERSION = 1
POPULATION = "*"
_MAX_SESSIONS = 4_096


def surprise(seen: float, sessions: float) -> float:
    """Give −log of the share of sessions with a value, Krichevsky–Trofimov smoothed, in nats.

    Counting sessions, not events, bounds what one session can teach a baseline to one count.

    >>> round(surprise(0, 20), 2), round(surprise(19, 20), 2)
    (3.74, 0.07)
    """
    return -log((seen + 0.5) / (sessions + 1.0))


class Rarity:
    """Frozen rarity of one feature: value → nats, precomputed."""

    def __init__(self, frozen: Mapping[str, Any]) -> None:
        sessions = frozen["sessions"]
        self.unseen = surprise(0, sessions)
        self.known = {value: surprise(seen, sessions) for value, seen in frozen["counts"].items()}

    def score(self, value: str) -> float:
        """Give the surprise of `value` in nats."""
        return self.known.get(value, self.unseen)


class HalfSpaceTrees:
    """Frozen half-space trees (Tan, Ting and Liu, IJCAI 2011), scored as river scores them.

    Nodes are stored breadth-first: child of node i are 2i+1 and 2i+2.
    """

    def __init__(self, frozen: Mapping[str, Any]) -> None:
        self.height: int = frozen["height"]
        window: int = frozen["window_size"]
        self.size_limit = 0.1 * window
        self.trees: list[tuple[list[str], list[float], list[int]]] = [
            (tree["features"], tree["thresholds"], tree["masses"]) for tree in frozen["trees"]
        ]
        self.most: int = len(self.trees) * window * ((1 << (self.height + 1)) - 1)
        self.quantiles: list[float] = frozen["quantiles"]

    def raw(self, x: Mapping[str, float]) -> float:
        """Give river's anomaly score, 0 to 1."""
        total: float = 0
        for features, thresholds, masses in self.trees:
            node, weight = 0, 1
            for depth in range(self.height + 1):
                mass = masses[node]
                total += mass * weight
                if mass < self.size_limit or depth == self.height:
                    break
                node = 2 * node + (1 if x[features[node]] < thresholds[node] else 2)
                weight <<= 1
        return 1 - total / self.most

    def score(self, x: Mapping[str, float]) -> float:
        """Give the share of the baseline's own sessions that were less unusual than `x`."""
        return bisect_right(self.quantiles, self.raw(x)) / len(self.quantiles)


class AgentBaseline:
    """One agent's frozen baseline: rarities, volumes and the session model, those that were ready."""

    def __init__(self, frozen: Mapping[str, Any]) -> None:
        if frozen.get("version") != FROZEN_VERSION:
            raise PackError(
                f"baseline of version {frozen.get('version')!r}, this scorer reads {FROZEN_VERSION}",
                mend="fit the baseline again with this release",
            )
        self.agent: str = frozen["agent"]
        self.agent_version: str = frozen.get("agent_version", "")
        self.rarity = {name: Rarity(data) for name, data in frozen["rarity"].items()}
        self.volumes: dict[str, tuple[float, float]] = {
            name: (mean, deviation) for name, (mean, deviation) in frozen["volumes"].items()
        }
        self.session = HalfSpaceTrees(frozen["session"]) if frozen["session"] else None
        self.features: dict[
            tuple[Value, Value], tuple[tuple[str, Extractor, Callable[..., float], float], ...]
        ]
        self.features = {}

    def rate(self, x: Mapping[str, float]) -> float:
        """Give the largest number of standard deviations by which a volume exceeds its mean."""
        return max((x[name] - mean) / deviation for name, (mean, deviation) in self.volumes.items())

    def over(self, population: AgentBaseline | None, *, upgraded: bool) -> AgentBaseline:
        """Give this baseline with the population's in place of what is not ready.

        When the agent was upgraded, what its own programs cause is the population's too: a new version's ways
        are not the old one's. What its user asks of it stays.
        """
        view = copy(self)
        if upgraded:
            view.rarity = {name: r for name, r in self.rarity.items() if name not in OF_THE_AGENT}
            view.volumes, view.session = {}, None
        if population is not None:
            view.rarity = {**population.rarity, **view.rarity}
            view.volumes = view.volumes or population.volumes
            view.session = view.session or population.session
        view.features = {
            key: tuple(
                (f"drift.{name}", extract, view.rarity[name].known.get, view.rarity[name].unseen)
                for name, extract in features
                if name in view.rarity
            )
            for key, features in FEATURES.items()
        }
        return view


class Session:
    """What drift remembers of a session: directory, volumes, and whether its agent is of a new version."""

    __slots__ = ("directory", "upgraded", "volumes")

    def __init__(self, directory: str = "", upgraded: bool = False, volumes: Volumes | None = None) -> None:
        self.directory = directory
        self.upgraded = upgraded
        self.volumes = volumes or Volumes()


class Drift:
    """Adds `drift.*` to events: against the agent's own past where that is ready, else the population's."""

    def __init__(self, baselines: Sequence[Mapping[str, Any]]) -> None:
        self.baselines = {baseline.agent: baseline for baseline in map(AgentBaseline, baselines)}
        population = self.baselines.get(POPULATION)
        self.views: dict[tuple[Any, bool], AgentBaseline] = {
            (name, upgraded): baseline.over(population, upgraded=upgraded)
            for name, baseline in self.baselines.items()
            for upgraded in (False, True)
        }
        self._versions: dict[Any, str] = {name: b.agent_version for name, b in self.baselines.items()}
        self._versions[POPULATION] = ""
        self.sessions: OrderedDict[str, Session] = OrderedDict()
        self.evicted = 0

    def apply(self, event: dict[str, Value]) -> None:
        """Add the drift fields this event can have; events outside a session have none."""
        if not self.baselines or (session := event.get("gen_ai.conversation.id")) is None:
            return
        state = self._session(str(session), event)
        agent = event.get("gen_ai.agent.name")
        if agent not in self.baselines:
            agent = POPULATION
        if version := event.get("gen_ai.agent.version"):
            state.upgraded = version != (self._versions.get(agent) or version)
        view = self.views.get((agent, state.upgraded))
        if view is None:
            return
        key = event["event.category"], event["event.action"]
        state.volumes.learn(event)
        directory = state.directory
        for field, extract, nats, unseen in view.features.get(key, ()):
            if (value := extract(event, directory)) is not None and field not in event:
                event[field] = nats(value, unseen)
        if key[0] == "agent":
            x = state.volumes.vector()
            if view.session is not None:
                event.setdefault("drift.session", view.session.score(x))
            if view.volumes:
                event.setdefault("drift.rate", view.rate(x))

    def _session(self, session: str, event: Mapping[str, Value]) -> Session:
        state = self.sessions.get(session)
        if state is None:
            state = self.sessions[session] = Session()
            if len(self.sessions) > _MAX_SESSIONS:
                self.sessions.popitem(last=False)
                self.evicted += 1
        else:
            self.sessions.move_to_end(session)
        if not state.directory:
            state.directory = str(event.get("process.working_directory", ""))
        return state

    def snapshot(self) -> dict[str, Any]:
        """Give the sessions' volumes as plain data."""
        return {
            "evicted": self.evicted,
            "sessions": [
                [name, state.directory, state.upgraded, state.volumes.snapshot()]
                for name, state in self.sessions.items()
            ],
        }

    def restore(self, data: Mapping[str, Any]) -> None:
        """Take up a state that `snapshot` gave."""
        self.evicted = data["evicted"]
        self.sessions = OrderedDict(
            (name, Session(directory, upgraded, Volumes.restore(volumes)))
            for name, directory, upgraded, volumes in data["sessions"]
        )
