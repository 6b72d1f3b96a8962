"""Fit every agent's baseline over benign recordings and freeze them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from workbench.baseline.agent import AgentBaseline
from workbench.dataset.recording import Recording
from workbench.errors import InputError
from workbench.event import Value
from workbench.files import write_aside
from workbench.scorer.enrich.drift import FROZEN_VERSION, POPULATION
from workbench.scorer.payload import FORMAT, SCORER, Payload
from workbench.scorer.plan import Plan
from workbench.scorer.stages import Stages


def fit(recordings: Iterable[Recording], registries: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Learn one session after another, oldest first; gives the frozen baseline of each agent and of all.

    Recordings with a malicious event are left out: what is under a finding must not become normal.
    """
    learned: dict[str, AgentBaseline] = {POPULATION: AgentBaseline(POPULATION)}
    benign = [recording for recording in recordings if not recording.malicious]
    for recording in sorted(benign, key=lambda recording: recording.session.started):
        events = enriched(recording, registries)
        agent = recording.session.agent
        for name in (agent, POPULATION):
            learned.setdefault(name, AgentBaseline(name)).learn_session(events)
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


def save(path: Path, frozen: list[dict[str, Any]]) -> None:
    """Write frozen baselines as JSON, aside and then in place."""
    write_aside(path, msgspec.json.encode(frozen, order="sorted"))


def load(path: Path) -> list[dict[str, Any]]:
    """Read frozen baselines; raises InputError when the file holds none of this version."""
    try:
        frozen = msgspec.json.decode(path.read_bytes(), type=list[dict[str, Any]])
    except (OSError, msgspec.MsgspecError) as error:
        raise InputError(
            f"not a baseline: {error}", place=path, mend="fit it with `workbench baseline fit`"
        ) from None
    if any(item.get("version") != FROZEN_VERSION for item in frozen):
        raise InputError(
            "a baseline of another version", place=path, mend="fit it again with `workbench baseline fit`"
        )
    return frozen
