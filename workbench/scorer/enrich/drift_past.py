"""The past of one agent as a pack carries it: plain data that scores, and can go on learning on the host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from workbench.errors import PackError
from workbench.event import Value
from workbench.scorer.enrich.drift_change import Change
from workbench.scorer.enrich.drift_features import (
    CATEGORICAL,
    FEATURES,
    OF_THE_AGENT,
    Kind,
    Observation,
)
from workbench.scorer.enrich.drift_levels import Levels
from workbench.scorer.enrich.drift_rarity import Rarity
from workbench.scorer.enrich.drift_trees import HalfSpaceTrees

FROZEN_VERSION = 3
POPULATION = "*"
_Z_MOST = 3.0  # one volume far out is a strange session, not a change of level


class AgentPast:
    """What is known of one agent, or of all (`*`): rarities, levels, change, and the trees as fitted.

    The trees do not go on learning on the host: their window is so short that one session could fill it.
    Raises PackError for data of another version.
    """

    def __init__(self, frozen: Mapping[str, Any]) -> None:
        if frozen.get("version") != FROZEN_VERSION:
            raise PackError(
                f"baseline of version {frozen.get('version')!r}, this scorer reads {FROZEN_VERSION}",
                mend="fit the baseline again with this release",
            )
        self.agent: str = frozen["agent"]
        self.agent_version: str = frozen["agent_version"]
        self.sessions: int = frozen["sessions"]
        self.learns_on_host: bool = frozen.get("learns_on_host", False)
        self.rarity = {name: Rarity(frozen["rarity"].get(name)) for name in CATEGORICAL}
        self.levels = Levels(frozen["volumes"])
        self.change = Change(frozen["change"])
        self.trees = HalfSpaceTrees(frozen["session"]) if frozen["session"] else None
        self._session = frozen["session"]

    @classmethod
    def none_yet(cls, agent: str) -> AgentPast:
        """Give the past of an agent that nothing is known of."""
        return cls(
            {
                "version": FROZEN_VERSION,
                "agent": agent,
                "agent_version": "",
                "sessions": 0,
                "rarity": {},
                "volumes": {},
                "change": {},
                "session": None,
            }
        )

    def learn(
        self, seen: Observation, version: str = "", *, day: int | None = None, levels: Levels | None = None
    ) -> None:
        """Learn one session of this version of the agent.

        Another version than before makes what the agent's programs cause be learned anew, from `levels`
        where given. `day` bounds what one day can teach, as on a host.
        """
        if version and self.agent_version and version != self.agent_version:
            self.rarity |= {name: Rarity() for name in OF_THE_AGENT}
            self.levels = Levels(levels.freeze() if levels else None)
            self.change, self.trees, self._session = Change(), None, None
        self.agent_version = version or self.agent_version
        x = seen.volumes.vector()
        if self.levels.ready:
            spreads = self.levels.spreads()
            away = [(x[name] - mean) / spread for name, (mean, spread) in spreads.items()]
            self.change.learn(sum(max(-_Z_MOST, min(_Z_MOST, z)) for z in away) / len(away))
        self.levels.learn(x, day)
        for name, values in seen.values.items():
            if values:
                self.rarity[name].learn(values, day)
        self.sessions += 1

    def freeze(self) -> dict[str, Any]:
        """Give all as plain data."""
        rarity = {name: one.freeze() for name, one in self.rarity.items() if one.sessions}
        return {
            "version": FROZEN_VERSION,
            "agent": self.agent,
            "agent_version": self.agent_version,
            "sessions": self.sessions,
            "learns_on_host": self.learns_on_host,
            "rarity": rarity,
            "volumes": self.levels.freeze(),
            "change": self.change.freeze(),
            "session": self._session,
        }


class Surprises:
    """What surprises in one kind of event: its fields and nats, remembered by all that they depend on.

    `fields` holds each field's name, extractor, known nats by value, and the nats of an unknown value.
    """

    _MAX_CACHED = 4_096

    def __init__(self, kind: Kind, nats: Mapping[str, tuple[Callable[..., float], float]]) -> None:
        self._inputs = kind.inputs
        self._fields = [(f"drift.{name}", get, *nats[name]) for name, get in kind.features if name in nats]
        self._known: dict[tuple[Value | None, ...], list[tuple[str, float]]] = {}

    def of(self, event: Mapping[str, Value], workdir: str) -> list[tuple[str, float]]:
        """Give the fields and nats of an event of this kind."""
        inputs = self._inputs(event, workdir)
        found = self._known.get(inputs)
        if found is None:
            found = [
                (field, nats(value, unknown))
                for field, extract, nats, unknown in self._fields
                if (value := extract(event, workdir)) is not None
            ]
            if len(self._known) >= self._MAX_CACHED:
                self._known.clear()
            self._known[inputs] = found
        return found


class View:
    """One agent's past as it is scored: its own where that is ready, else the population's.

    When the agent was upgraded, what its own programs cause is the population's: a new version's ways are not
    the old one's. What its user asks of it stays.
    """

    def __init__(self, own: AgentPast, population: AgentPast | None, *, upgraded: bool) -> None:
        rarity = {name: one for name, one in population.rarity.items() if one.ready} if population else {}
        rarity |= {n: r for n, r in own.rarity.items() if r.ready and not (upgraded and n in OF_THE_AGENT)}
        nats = {name: (one.nats().get, one.unseen) for name, one in rarity.items()}
        of_kind = {kind: Surprises(kind, nats) for kind in set(FEATURES.values())}
        self.kinds = {key: of_kind[kind] for key, kind in FEATURES.items()}
        pasts = [past for past in (None if upgraded else own, population) if past]
        levels = [past.levels for past in pasts if past.levels.ready]
        trees = [past.trees for past in pasts if past.trees]
        self.spreads = levels[0].spreads() if levels else {}
        self.trees = trees[0] if trees else None
        self.since = own.change.since

    def rate(self, x: Mapping[str, float]) -> float:
        """Give the largest number of spreads by which a volume exceeds its level."""
        return max((x[name] - mean) / spread for name, (mean, spread) in self.spreads.items())
