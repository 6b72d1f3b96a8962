"""An upgraded agent is judged by what its upgrade cannot have changed, and by the population for the rest."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.baseline.agent import AgentBaseline
from workbench.errors import PackError
from workbench.scorer.enrich.drift import Drift
from workbench.scorer.enrich.drift_past import POPULATION, AgentPast

DOMAIN = "code.example"


def session(program: str, domain: str = DOMAIN) -> list[dict[str, Any]]:
    common = {"gen_ai.conversation.id": "s", "gen_ai.agent.name": "codex", "destination.class": "external"}
    kinds = [("agent", "session_start"), ("process", "exec"), ("network", "connect")]
    own = [{}, {"process.executable": program}, {"destination.domain": domain}]
    return [
        {**common, "@timestamp": number, "event.category": category, "event.action": action, **own[number]}
        for number, (category, action) in enumerate(kinds)
    ]


def learned(agent: str, program: str, sessions: int, version: str = "") -> AgentBaseline:
    baseline = AgentBaseline(agent)
    for _ in range(sessions):
        baseline.learn_session(session(program), version)
    return baseline


def scored(baselines: list[AgentBaseline], program: str, version: str = "1") -> dict[str, Any]:
    stage = Drift([baseline.freeze() for baseline in baselines])
    events = session(program)
    events[0]["gen_ai.agent.version"] = version
    for event in events:
        stage.apply(event)
    return {name: value for event in events for name, value in event.items() if name.startswith("drift.")}


def test_what_is_not_ready_falls_back_to_the_population() -> None:
    own, everyone = learned("codex", "/usr/bin/own", 3, "1"), learned(POPULATION, "/usr/bin/all", 20)
    assert scored([own, everyone], "/usr/bin/all")["drift.executable"] < 0.1
    assert scored([own], "/usr/bin/all") == {}  # not ready is no field, never 0


def test_what_is_ready_is_the_agents_own() -> None:
    own, everyone = learned("codex", "/usr/bin/own", 20, "1"), learned(POPULATION, "/usr/bin/all", 20)
    assert scored([own, everyone], "/usr/bin/own")["drift.executable"] < 0.1
    assert scored([own, everyone], "/usr/bin/all")["drift.executable"] > 3


def test_a_session_of_a_new_version_is_not_judged_by_the_old_ones_programs() -> None:
    own, everyone = learned("codex", "/usr/bin/own", 20, "1"), learned(POPULATION, "/usr/bin/all", 20)
    upgraded = scored([own, everyone], "/usr/bin/all", version="2")
    assert upgraded["drift.executable"] < 0.1
    assert upgraded["drift.destination"] < 0.1
    alone = scored([own], "/usr/bin/all", version="2")
    assert "drift.executable" not in alone
    assert alone["drift.destination"] < 0.1


def test_an_upgrade_while_learning_resets_programs_and_keeps_destinations() -> None:
    baseline = learned("codex", "/usr/bin/old", 20, "1")
    baseline.learn_session(session("/usr/bin/new"), "2")
    frozen = baseline.freeze()
    assert frozen["agent_version"] == "2"
    assert frozen["rarity"]["executable"]["sessions"] == 1
    assert frozen["rarity"]["destination"]["sessions"] == 21


def test_a_restart_keeps_whether_the_agent_was_upgraded() -> None:
    own = learned("codex", "/usr/bin/own", 20, "1").freeze()
    stage, after = Drift([own]), Drift([own])
    start, program, _ = session("/usr/bin/new")
    start["gen_ai.agent.version"] = "2"
    stage.apply(start)
    after.restore(stage.snapshot())
    after.apply(program)
    assert "drift.executable" not in program


def test_a_baseline_of_another_format_is_refused() -> None:
    frozen = learned("codex", "/usr/bin/own", 1).freeze()
    with pytest.raises(PackError, match="baseline of version 99, this scorer reads 3"):
        AgentPast({**frozen, "version": 99})


def test_a_harness_started_in_the_root_does_not_make_the_root_its_repository() -> None:
    def work(repository: str) -> list[dict[str, Any]]:
        common = {"gen_ai.conversation.id": "s", "gen_ai.agent.name": "codex", "@timestamp": 0}
        exec_ = {**common, "event.category": "process", "event.action": "exec"}
        tool = f"{repository}/.venv/bin/pytest"
        return [
            {**exec_, "process.executable": "/usr/bin/codex", "process.working_directory": "/"},
            {**exec_, "process.executable": tool, "process.working_directory": repository},
        ]

    baseline = AgentBaseline("codex")
    for name in ("a", "b") * 10:
        baseline.learn_session(work(f"/home/ada/src/{name}"))
    stage, events = Drift([baseline.freeze()]), work("/home/lee/git/c")
    for event in events:
        stage.apply(event)
    assert events[1]["drift.executable"] < 0.1
