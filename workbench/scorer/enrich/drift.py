"""The drift stage: how unlike this agent's own past an event is, by frozen baselines.

A frozen baseline is plain data (see `workbench.baseline`): no river here. Nothing is said, rather than zero,
where a baseline is not ready.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from math import log
from typing import Any

from workbench.errors import PackError
from workbench.event import Value
from workbench.scorer.enrich.drift_features import FEATURES, Volumes

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
        self.rarity = {name: Rarity(data) for name, data in frozen["rarity"].items()}
        self.volumes: dict[str, tuple[float, float]] = {
            name: (mean, deviation) for name, (mean, deviation) in frozen["volumes"].items()
        }
        self.session = HalfSpaceTrees(frozen["session"]) if frozen["session"] else None

    def rate(self, x: Mapping[str, float]) -> float:
        """Give the largest number of standard deviations by which a volume exceeds its mean."""
        return max((x[name] - mean) / deviation for name, (mean, deviation) in self.volumes.items())


class Drift:
    """Adds `drift.*` to events of agents that have a baseline, or else against the population's."""

    def __init__(self, baselines: Sequence[Mapping[str, Any]]) -> None:
        self.baselines = {baseline.agent: baseline for baseline in map(AgentBaseline, baselines)}
        self.sessions: OrderedDict[str, tuple[str, Volumes]] = OrderedDict()
        self.evicted = 0

    def apply(self, event: dict[str, Value]) -> None:
        """Add the drift fields this event can have; events outside a session have none."""
        if not self.baselines or (session := event.get("gen_ai.conversation.id")) is None:
            return
        baseline = self.baselines.get(str(event.get("gen_ai.agent.name"))) or self.baselines.get(POPULATION)
        if baseline is None:
            return
        workdir, volumes = self._session(str(session), event)
        volumes.learn(event)
        category, action = event["event.category"], event["event.action"]
        for name, extract in FEATURES.get((category, action), ()):  # type: ignore[arg-type]
            rarity = baseline.rarity.get(name)
            if rarity is not None and (value := extract(event, workdir)) is not None:
                event.setdefault(f"drift.{name}", rarity.score(value))
        if category == "agent":
            x = volumes.vector()
            if baseline.session is not None:
                event.setdefault("drift.session", baseline.session.score(x))
            if baseline.volumes:
                event.setdefault("drift.rate", baseline.rate(x))

    def _session(self, session: str, event: Mapping[str, Value]) -> tuple[str, Volumes]:
        known = self.sessions.get(session)
        if known is not None and (known[0] or event["event.action"] != "exec"):
            self.sessions.move_to_end(session)
            return known
        workdir = str(event.get("process.working_directory", ""))
        self.sessions[session] = state = (workdir, known[1] if known else Volumes())
        if len(self.sessions) > _MAX_SESSIONS:
            self.sessions.popitem(last=False)
            self.evicted += 1
        return state

    def snapshot(self) -> dict[str, Any]:
        """Give the sessions' volumes as plain data."""
        return {
            "evicted": self.evicted,
            "sessions": [[name, dir_, volumes.snapshot()] for name, (dir_, volumes) in self.sessions.items()],
        }

    def restore(self, data: Mapping[str, Any]) -> None:
        """Take up a state that `snapshot` gave."""
        self.evicted = data["evicted"]
        self.sessions = OrderedDict((name, (dir_, Volumes.restore(v))) for name, dir_, v in data["sessions"])
