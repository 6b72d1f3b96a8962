"""What one pack did on one recording: the unit that evaluation adds up and workers send back."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Hit(msgspec.Struct, kw_only=True, frozen=True):
    """One finding, as far as evaluation needs it; `index` counts scored events from 0, −1 at the close."""

    rule_id: str
    title: str
    signal: str
    response: str
    index: int
    timestamp: int
    event_id: str
    evidence: tuple[str, ...]


class Outcome(msgspec.Struct, kw_only=True, frozen=True):
    """One recording scored by one pack; `steps` maps malicious event ids to the scenario's step."""

    recording: str
    session: str
    agent: str
    source: str
    scenario: str
    twin_of: str
    started: int
    ended: int
    events: int
    steps: Mapping[str, str]
    hits: tuple[Hit, ...]
    score: float
    decision: str

    @property
    def malicious(self) -> bool:
        """Whether the recording holds an event labelled malicious."""
        return bool(self.steps)

    def caught(self, hit: Hit) -> bool:
        """Whether the finding rests on at least one malicious event."""
        return any(event in self.steps for event in hit.evidence)

    def steps_caught(self, rule_id: str) -> list[str]:
        """Give the malicious steps a rule's findings rest on, in alphabetical order."""
        return sorted(
            {
                self.steps[event]
                for hit in self.hits
                if hit.rule_id == rule_id
                for event in hit.evidence
                if event in self.steps
            }
        )
