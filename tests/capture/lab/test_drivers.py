"""Every driver runs its real harness, live, with labelled steps; what cannot be installed is skipped."""

from __future__ import annotations

from pathlib import Path

import pytest

from capture.lab.driver import DRIVERS, driver_for
from capture.lab.run import play
from capture.lab.scenario import load
from capture.lab.stage import make_world
from workbench.errors import CaptureError, InputError

SCENARIOS = {
    "codex": "secret-to-egress",
    "gemini-cli": "secret-to-egress",
    "opencode": "secret-to-egress",
    "mcp-client": "mcp-tool-poisoning",
}


@pytest.mark.live
@pytest.mark.downloads
@pytest.mark.slow
@pytest.mark.parametrize("agent", SCENARIOS)
def test_a_harness_runs_its_scenario(agent: str, tmp_path: Path) -> None:
    driver, scenario = driver_for(agent), load(SCENARIOS[agent])
    try:
        driver.launch(make_world(scenario, 1), "", {"notes": ["python3"]} if agent == "mcp-client" else {})
    except CaptureError as error:
        pytest.skip(str(error))
    outcome = play(scenario, driver, tmp_path / "recording", source="bcc", seed=17)
    labels = outcome.recording.labels()
    guilty = {label.step for label in labels if label.label == "malicious"}
    assert guilty == {step.name for step in scenario.steps if step.malicious}
    kernel = {str(e["event.id"]) for e in outcome.recording.events() if e["event.category"] != "agent"}
    assert {
        label.step for label in labels if label.label == "malicious" and label.event_id in kernel
    } == guilty
    assert [entry["service"] for entry in outcome.internet if entry.get("bytes")].count("external")
    made = [entry["id"] for entry in outcome.model if entry["kind"] == "call"]
    told = [e["gen_ai.tool.call.id"] for e in outcome.transcript.events if e["event.action"] == "tool_call"]
    assert sorted(made) == sorted(told)


@pytest.mark.live
@pytest.mark.downloads
def test_codex_puts_the_call_into_the_environment_of_its_tools(tmp_path: Path) -> None:
    driver, scenario = driver_for("codex"), load("secret-to-egress")
    try:
        driver.launch(make_world(scenario, 1), "", {})
    except CaptureError as error:
        pytest.skip(str(error))
    outcome = play(scenario, driver, tmp_path / "recording", source="bcc", seed=18)
    calls = {entry["id"] for entry in outcome.model if entry["kind"] == "call"}
    seen = set()
    for event in outcome.recording.events():
        for variable in event.get("process.env_vars", []):  # type: ignore[union-attr]
            if variable.startswith("CODEX_TOOL_CALL_ID="):
                seen.add(variable.partition("=")[2])
    assert seen
    assert seen <= calls


def test_an_unknown_agent_is_refused() -> None:
    with pytest.raises(InputError, match=", ".join(DRIVERS)):
        driver_for("nope")


def test_an_agent_without_mcp_refuses_a_scenario_that_needs_it() -> None:
    with pytest.raises(CaptureError, match="no MCP tools"):
        driver_for("mini-swe-agent").launch(make_world(load("mcp-overreach"), 1), "", {"notes": ["x"]})
