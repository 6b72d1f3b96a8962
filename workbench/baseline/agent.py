"""All baselines of one agent, learned session by session."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from workbench.baseline.rarity import Rarity
from workbench.baseline.session import SessionShape
from workbench.baseline.volume import Volume
from workbench.event import Event
from workbench.scorer.enrich.drift import FROZEN_VERSION
from workbench.scorer.enrich.drift_features import CATEGORICAL, FEATURES, OF_THE_AGENT, Volumes


class AgentBaseline:
    """What is normal for one agent: rarities, volumes and the shape of a session.

    `agent` is its `gen_ai.agent.name`, or `*` for the population of all agents. When a session is of another
    version than those before, what the agent's programs cause is learned anew, what its user causes is kept.
    """

    def __init__(self, agent: str, seed: int = 7) -> None:
        self.agent = agent
        self.seed = seed
        self.version_ = ""
        self.sessions_ = 0
        self.rarity_ = {name: Rarity() for name in CATEGORICAL}
        self.volume_ = Volume()
        self.shape_ = SessionShape(seed)

    def learn_session(self, events: Iterable[Event], version: str = "") -> None:
        """Learn one whole benign session, enriched and in event order, of this version of the agent."""
        if version and self.version_ and version != self.version_:
            self.rarity_ |= {name: Rarity() for name in OF_THE_AGENT}
            self.volume_, self.shape_ = Volume(), SessionShape(self.seed)
        self.version_ = version or self.version_
        values: dict[str, set[str]] = {name: set() for name in CATEGORICAL}
        volumes, workdir = Volumes(), ""
        for event in events:
            volumes.learn(event)
            key = (str(event["event.category"]), str(event["event.action"]))
            if not workdir and key == ("process", "exec"):
                workdir = str(event.get("process.working_directory", ""))
            for name, extract in FEATURES.get(key, ()):
                if (value := extract(event, workdir)) is not None:
                    values[name].add(value)
            if key[0] == "agent":
                self.shape_.learn_one(volumes.vector())
        for name, rarity in self.rarity_.items():
            if values[name]:
                rarity.learn_one({"values": values[name]})
        self.volume_.learn_one(volumes.vector())
        self.sessions_ += 1

    def freeze(self) -> dict[str, Any]:
        """Give the baselines that are ready as plain data that `workbench.scorer` reads without river."""
        return {
            "version": FROZEN_VERSION,
            "agent": self.agent,
            "agent_version": self.version_,
            "sessions": self.sessions_,
            "rarity": {name: rarity.freeze() for name, rarity in self.rarity_.items() if rarity.ready},
            "volumes": self.volume_.freeze() if self.volume_.ready else {},
            "session": self.shape_.freeze() if self.shape_.ready else None,
        }
