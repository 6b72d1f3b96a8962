from __future__ import annotations

import json
from typing import Any

import pytest

from workbench.evaluate.attribution import Judgement, calibrate, judge, reliability


def session(commands: dict[str, str], *, told: bool = True) -> list[dict[str, Any]]:
    """A codex session whose every call runs one command in a process that has the call's id."""
    events: list[dict[str, Any]] = []

    def event(kind: str, **fields: Any) -> None:
        category, _, action = kind.partition("/")
        named = {name.replace("__", "."): value for name, value in fields.items()}
        events.append(
            {"@timestamp": len(events), "event.category": category, "event.action": action, **named}
        )

    names = {"gen_ai__conversation__id": "s", "gen_ai__agent__name": "codex"}
    event("agent/session_start", process__entity_id="root", **names)
    for call, command in commands.items():
        told_call = {"gen_ai__tool__call__id": call, "gen_ai__conversation__id": "s"}
        if told:
            arguments = json.dumps({"command": command})
            event("agent/tool_call", gen_ai__tool__call__arguments=arguments, **told_call)
        event("process/fork", process__entity_id="root", process__target__entity_id=call)
        ran = {"process__args": ["bash", "-c", command], "process__env_vars": [f"CODEX_TOOL_CALL_ID={call}"]}
        event("process/exec", process__entity_id=call, **ran)
        if told:
            event("agent/tool_result", **told_call)
    return events


def test_a_told_session_is_judged_right_without_reading_the_environment() -> None:
    report = reliability(judge(session({"c1": "make test", "c2": "make lint"})))
    assert report is not None
    assert (report.calls, report.coverage, report.accuracy) == (2, 1.0, 1.0)
    assert list(report.by_method) == ["harness_event"]
    assert report.brier == pytest.approx((1 - 0.97) ** 2)


def test_an_untold_session_names_no_call() -> None:
    report = reliability(judge(session({"c1": "make test"}, told=False)))
    assert report is not None
    assert (report.coverage, report.calls_accuracy) == (0.0, 0.0)


def test_what_a_recording_says_itself_is_no_help() -> None:
    events = session({"c1": "make test"}, told=False)
    for event in events[1:]:
        event |= {"gen_ai.tool.call.id": "c1", "attribution.method": "environment"}
    report = reliability(judge(events))
    assert report is not None
    assert report.coverage == 0.0


def test_an_agent_without_such_a_variable_gives_nothing() -> None:
    events = [{k: v for k, v in event.items() if k != "process.env_vars"} for event in session({"c1": "ls"})]
    assert reliability(judge(events)) is None


def test_calibration_counts_calls_not_events() -> None:
    noisy = [Judgement("s", "c1", "c1", "timing", 0.6)] * 1_000
    wrong = [Judgement("s", f"w{n}", "x", "timing", 0.6) for n in range(7)]
    assert calibrate([*noisy, *wrong]) == {"timing": 0.2}
