"""Fit every agent's baseline over benign recordings and freeze them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from workbench.baseline.agent import AgentBaseline
from workbench.dataset.recording import Recording
from workbench.dataset.session import Session
from workbench.event import Event, Value
from workbench.scorer.enrich.drift_past import POPULATION
from workbench.scorer.payload import FORMAT, SCORER, Payload
from workbench.scorer.plan import Plan
from workbench.scorer.stages import Stages


def fit(recordings: Iterable[Recording], registries: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Learn one session after another, oldest first; gives the frozen baseline of each agent and of all.

    Recordings with a malicious event are left out: what is under a finding must not become normal.
    """
    benign = [recording for recording in recordings if not recording.malicious]
    return learn(
        (recording.session, enriched(recording, registries))
        for recording in sorted(benign, key=lambda recording: recording.session.started)
    )


def learn(sessions: Iterable[tuple[Session, Sequence[Event]]]) -> list[dict[str, Any]]:
    """Learn sessions of enriched events in the order given; gives the frozen baselines as `fit` does."""
    learned: dict[str, AgentBaseline] = {POPULATION: AgentBaseline(POPULATION)}
    for session, events in sessions:
        learned[POPULATION].learn_session(events)
        own = learned.setdefault(session.agent, AgentBaseline(session.agent))
        own.learn_session(events, session.agent_version)
    return [baseline.freeze() for _, baseline in sorted(learned.items())]


def enriched(recording: Recording, registries: Mapping[str, Any]) -> list[dict[str, Value]]:
    """Give the events as the scorer's stages leave them under a pack without rules or baselines."""
    empty = Payload(
        format=FORMAT,
        name="",
        version="",
        minimum_scorer=SCORER,
        plan=Plan((), ()),
        registries=dict(registries),
    )
    stages = Stages(empty)
    events = list(recording.events())
    for event in events:
        stages.apply(event)
    return events
