"""All baselines of one agent, learned session by session."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from workbench.baseline.session import SessionShape
from workbench.event import Event
from workbench.scorer.enrich.drift_features import Observation
from workbench.scorer.enrich.drift_past import AgentPast


class AgentBaseline:
    """What is normal for one agent: rarities, volumes and the shape of a session.

    `agent` is its `gen_ai.agent.name`, or `*` for the population of all agents. When a session is of another
    version than those before, what the agent's programs cause is learned anew, what its user causes is kept.
    """

    def __init__(self, agent: str, seed: int = 7) -> None:
        self.seed = seed
        self.past_ = AgentPast.none_yet(agent)
        self.shape_ = SessionShape(seed)

    def learn_session(self, events: Iterable[Event], version: str = "") -> None:
        """Learn one whole benign session, enriched and in event order, of this version of the agent."""
        if version and self.past_.agent_version not in ("", version):
            self.shape_ = SessionShape(self.seed)
        seen = Observation()
        for event in events:
            seen.learn(event)
            if event["event.category"] == "agent":
                self.shape_.learn_one(seen.volumes.vector())
        self.past_.learn(seen, version)

    def freeze(self) -> dict[str, Any]:
        """Give the baselines as plain data that `workbench.scorer` reads, and judges by, without river."""
        return self.past_.freeze() | {"session": self.shape_.freeze() if self.shape_.ready else None}
