"""Who says what: sessions in a row, an agent and its subagents, each in a conversation of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from capture.lab.dialogue import Sitting, by_session, chained, make_script, sittings, starts
from capture.lab.driver import driver_for
from capture.lab.driver.mini_swe_agent import MiniSweAgent
from capture.lab.internet.journal import Journal, read_journal
from capture.lab.label import made_calls
from capture.lab.model.script import Actor, Call, Offer, Script
from capture.lab.mutate import mutator_for
from capture.lab.scenario import Scenario, load
from capture.lab.stage import in_world, make_world
from capture.lab.world import World
from workbench.errors import CaptureError
from workbench.event import Event

TOOLS = {"bash": Offer(properties={"command": {}}), "task": Offer()}


@pytest.fixture
def mini(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> MiniSweAgent:
    monkeypatch.setattr("capture.lab.driver.mini_swe_agent.python_environment", lambda name: tmp_path)
    return MiniSweAgent()


def divided(name: str, mutator: str) -> tuple[Scenario, World]:
    world = make_world(load(name), seed=2)
    return mutator_for(mutator).apply(in_world(load(name), world), world), world


def said(script: Script, task: str, journal: Path) -> list[Call]:
    """Hold the whole conversation that begins with a task, and give the calls the model makes."""
    actor = Actor(script, Journal(journal))
    found: list[Call] = []
    while isinstance(call := actor.next(len(found), TOOLS, f"Please: {task}"), Call):
        found.append(call)
    return found


@pytest.mark.parametrize("name", ["secret-to-egress", "secret-to-egress-benign"])
def test_the_last_malicious_step_is_said_in_the_next_session(
    name: str, mini: MiniSweAgent, tmp_path: Path
) -> None:
    scenario, world = divided(name, "across-sessions")
    held = sittings(Sitting("s", "Mend it.", ["mini"]), scenario, mini, world, {})
    script = make_script(scenario, mini, world, held[1:])
    script = Script(turns=script.turns, others=script.others, pace=(0, 0))
    first, second = (
        {call.arguments["command"] for call in said(script, each.task, tmp_path / each.session)}
        for each in held
    )
    for step in scenario.steps:
        assert (step.run in first, step.run in second) == (step.session == 0, step.session == 1)
    assert {step.session for step in scenario.steps} == {0, 1}
    assert chained(held)[0] == "sh" and held[1].task in chained(held)[2]


@pytest.mark.parametrize("agent", ["mini-swe-agent", "opencode"])
def test_what_is_handed_to_a_subagent_is_no_call_of_a_step_but_its_own_are(
    agent: str, mini: MiniSweAgent, tmp_path: Path
) -> None:
    scenario, world = divided("secret-to-egress", "across-subagents")
    driver: Any = mini if agent == mini.name else driver_for(agent)
    script = make_script(scenario, driver, world)
    script = Script(turns=script.turns, others=script.others, pace=(0, 0))
    journal = tmp_path / "journal"
    for task in ("Mend it.", *script.others):
        said(script, task, journal)
    made = made_calls(scenario, read_journal(journal))
    assert {call.step.name for call in made if call.step} == {step.name for step in scenario.steps}
    handed = [turn for turn in script.turns if turn.delegates]
    assert len(handed) == len(script.others) == sum(step.malicious for step in scenario.steps)
    assert not {turn.id for turn in handed} & {call.id for call in made}


def test_a_harness_that_holds_one_conversation_is_refused() -> None:
    scenario, world = divided("secret-to-egress", "across-sessions")
    with pytest.raises(CaptureError, match="codex holds one conversation"):
        sittings(Sitting("s", "", []), scenario, driver_for("codex"), world, {})


def test_what_was_told_and_where_it_began_goes_to_the_session_whose_task_it_was() -> None:
    held = [Sitting("one", "Mend it.", ["mini", "a"]), Sitting("two", "Go on.", ["mini", "b"])]
    told = [
        {"event.action": "prompt", "gen_ai.conversation.id": "x", "gen_ai.prompt.text": "Please: Go on."},
        {"event.action": "tool_call", "gen_ai.conversation.id": "x"},
        {"event.action": "tool_call"},
    ]
    assert [event["gen_ai.conversation.id"] for event in by_session(told, held)] == ["two", "two", "one"]
    seen: list[Event] = [
        {
            "@timestamp": n,
            "event.action": "exec",
            "process.entity_id": name,
            "process.args": ["py", "mini", name],
        }
        for n, name in enumerate("ab")
    ]
    begun = [(e["gen_ai.conversation.id"], e["process.entity_id"]) for e in starts(held, seen, "mini")]
    assert begun == [("one", "a"), ("two", "b")]
    with pytest.raises(CaptureError, match="did not begin"):
        list(starts(held, seen[:1], "mini"))


def test_what_runs_beside_is_started_before_the_sessions_and_not_waited_for() -> None:
    held = [Sitting("one", "Mend it.", ["mini", "Mend it."])]
    assert chained(held) == ["mini", "Mend it."]
    assert chained(held, ["python3 /x"]) == ["sh", "-c", "python3 /x &\nmini 'Mend it.'\nexit"]
