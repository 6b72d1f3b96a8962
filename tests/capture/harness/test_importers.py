"""What harnesses write is read; what is not known is counted; nothing stumbles."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import tempfile
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.harness.commands import import_harness
from capture.harness.formats import FORMATS
from capture.harness.transcript import Transcript
from capture.importer import import_file
from workbench.errors import InputError
from workbench.event import check_event

FIXTURES = Path(__file__).parent / "fixtures"
REAL = {
    "mini-swe-agent": ("mini.traj.json", "bash"),
    "codex": ("codex-rollout.jsonl", "exec_command"),
    "gemini-cli": ("gemini-chat.jsonl", "run_shell_command"),
    "opencode": ("opencode.db", "bash"),
}
WRITTEN = {
    "claude-code": "not-recorded-claude-code.jsonl",
    "hooks": "not-recorded-hooks.jsonl",
    "otel": "not-recorded-otlp.jsonl",
    "mcp": "not-recorded-mcp.jsonl",
}


def actions(transcript: Transcript) -> Counter[str]:
    return Counter(str(event["event.action"]) for event in transcript.events)


@pytest.mark.parametrize("format", REAL)
def test_a_real_run_is_read_whole(format: str) -> None:
    name, tool = REAL[format]
    transcript = import_harness(format, FIXTURES / name)
    counts = actions(transcript)
    assert counts["prompt"] == 1
    assert counts["tool_call"] >= 2
    assert not transcript.aside.counts
    calls = [event for event in transcript.events if event["event.action"] == "tool_call"]
    assert {event["gen_ai.tool.name"] for event in calls} == {tool}
    assert all(str(event["gen_ai.tool.call.id"]).startswith("call_") for event in calls)
    assert len({event["gen_ai.tool.call.id"] for event in calls}) == len(calls)


@pytest.mark.parametrize(("format", "name"), [*((f, n) for f, (n, _) in REAL.items()), *WRITTEN.items()])
def test_every_event_is_one_and_results_follow_their_calls(format: str, name: str) -> None:
    called: dict[object, int] = {}
    for event in import_harness(format, FIXTURES / name).events:
        assert check_event(event) == event
        at = int(event["@timestamp"])  # type: ignore[arg-type]
        if event["event.action"] == "tool_call":
            called[event.get("gen_ai.tool.call.id")] = at
        if event["event.action"] == "tool_result":
            assert called[event.get("gen_ai.tool.call.id")] <= at


def test_claude_code_keeps_unknown_records_aside() -> None:
    transcript = import_harness("claude-code", FIXTURES / WRITTEN["claude-code"])
    assert actions(transcript) == {"prompt": 1, "tool_call": 2, "tool_result": 1}
    assert transcript.aside.counts == {"type from-the-future": 1, "block hologram": 1, "not JSON": 1}
    assert transcript.events[-1]["mcp.server.name"] == "notes"
    assert transcript.session == "s-1"


def test_hooks_of_two_harnesses_are_read_and_others_counted() -> None:
    transcript = import_harness("hooks", FIXTURES / WRITTEN["hooks"])
    assert actions(transcript) == {"session_start": 1, "prompt": 1, "tool_call": 2, "tool_result": 1}
    assert transcript.events[-1]["gen_ai.agent.name"] == "cursor"
    assert transcript.aside.counts == {"hook Notification": 1, "not a time: None": 1}


def test_spans_become_calls_and_results() -> None:
    transcript = import_harness("otel", FIXTURES / WRITTEN["otel"])
    assert actions(transcript) == {"prompt": 1, "tool_call": 2, "tool_result": 2}
    assert transcript.events[1]["@timestamp"] == 1767225601000000001
    assert transcript.events[-1]["event.outcome"] == "failure"
    assert transcript.aside.counts == {"operation chat": 1, "span without times": 1}


def test_rpc_messages_become_calls_of_the_named_server() -> None:
    transcript = import_harness("mcp", FIXTURES / WRITTEN["mcp"])
    assert actions(transcript) == {"tool_call": 1, "tool_result": 1}
    assert {event["mcp.server.name"] for event in transcript.events} == {"notes"}
    assert transcript.aside.counts == {"method sampling/createMessage": 1, "no time": 1}


HALF = r"do \ud800 and \\ud83d"
SPAN = {
    "name": "execute_tool",
    "startTimeUnixNano": "1",
    "endTimeUnixNano": "2",
    "attributes": [{"key": "gen_ai.tool.name", "value": {"stringValue": "HALF"}}],
}
HALVES: dict[str, Any] = {
    "claude-code": {"type": "user", "timestamp": 1, "message": {"content": "HALF"}},
    "hooks": {"hook_event_name": "PreToolUse", "t": 1, "tool_name": "sh", "command": "HALF"},
    "otel": {"resourceSpans": [{"scopeSpans": [{"spans": [SPAN]}]}]},
    "mini-swe-agent": {"messages": [{"role": "tool", "extra": {"timestamp": 1, "raw_output": "HALF"}}]},
}


@pytest.mark.parametrize("format", HALVES)
def test_half_a_character_is_replaced(format: str, tmp_path: Path) -> None:
    file = tmp_path / "half.jsonl"
    file.write_text(json.dumps(HALVES[format]).replace("HALF", HALF))
    events = list(import_file(format, file, tmp_path / "r").events())
    assert any(r"do ? and \ud83d" in str(value) for event in events for value in event.values())


def test_half_a_character_in_a_database_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "opencode.db"
    shutil.copy(FIXTURES / "opencode.db", file)
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("update part set data = replace(data, 'Fix', ?)", [HALF])
    events = list(import_file("opencode", file, tmp_path / "r").events())
    assert any(r"do ? and" in str(event.get("gen_ai.prompt.text")) for event in events)


@pytest.mark.parametrize(
    "at",
    [
        "2026-01-01T00:00:00",
        "2026-01-01T05:30:00+05:30",
        "2025-12-31T19:00:00-05:00",
        "2025-12-31T19:00:00-0500",
    ],
)
def test_a_time_is_read_wherever_it_was_told(at: str, tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    file.write_text(json.dumps({"type": "user", "timestamp": at, "message": {"content": "do"}}))
    (event,) = import_harness("claude-code", file).events
    assert event["@timestamp"] == 1_767_225_600_000_000_000


@pytest.mark.parametrize("at", ["2600-01-01T00:00:00Z", 250_000_000_000_000, "Infinity"])
def test_a_time_that_no_event_can_hold_is_counted(at: str | int, tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    file.write_text(json.dumps({"type": "user", "timestamp": at, "message": {"content": "do"}}))
    transcript = import_harness("claude-code", file)
    assert not transcript.events
    assert sum(transcript.aside.counts.values()) == 1


@pytest.mark.parametrize("at", ["9" * 30, float("inf")])
def test_a_span_of_a_time_that_no_event_can_hold_is_counted(at: str | float, tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    span = SPAN | {"startTimeUnixNano": at, "endTimeUnixNano": at}
    file.write_text(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}))
    transcript = import_harness("otel", file)
    assert not transcript.events
    assert transcript.aside.counts


@pytest.mark.parametrize("format", FORMATS)
def test_a_missing_or_foreign_file_gives_one_clear_line(format: str, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.jsonl"
    foreign.write_bytes(b"\x00\xff no such thing\n")
    for file in (tmp_path / "missing.jsonl", foreign):
        with pytest.raises(InputError) as error:
            import_harness(format, file)
        assert str(file) in str(error.value)


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(InputError, match="no harness format 'nope'"):
        import_harness("nope", Path("x"))


# The words of all formats, so that what is drawn comes near to being one.
_SEEN = re.findall(r"[$\w.]{2,}", " ".join(file.read_text() for file in FIXTURES.glob("not-*.jsonl")))
_MORE = ["toolCalls", "$set", "messages", "content", "extra", "tool_calls", "function", "call_id", "payload"]
KEYS = st.sampled_from([*sorted(set(_SEEN)), *_MORE])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    "format", ["codex", "gemini-cli", "claude-code", "hooks", "otel", "mcp", "mini-swe-agent"]
)
@given(records=st.lists(st.dictionaries(KEYS, JSON, max_size=6), min_size=1, max_size=4))
def test_any_json_is_read_or_refused_never_a_traceback(format: str, records: list[dict[str, object]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "log.jsonl"
        text = "\n".join(json.dumps(record) for record in records)
        file.write_text(json.dumps({"messages": records}) if format == "mini-swe-agent" else text)
        try:
            events = import_harness(format, file).events
        except InputError:
            return
        for event in events:
            check_event(event)


def test_a_database_with_odd_rows_is_read(tmp_path: Path) -> None:
    file = tmp_path / "opencode.db"
    database = sqlite3.connect(file)
    database.executescript(
        "create table message (id, session_id, time_created, data);"
        "create table part (id, message_id, session_id, time_created, data);"
    )
    database.execute("insert into message values ('m', 's', 1, 'not json')")
    rows = ['{"type": "tool"}', '{"type": "riddle"}', "[]", '{"type": "tool", "state": 7}']
    database.executemany("insert into part values ('p', 'm', 's', 1, ?)", [[row] for row in rows])
    database.commit()
    database.close()
    transcript = import_harness("opencode", file)
    assert not transcript.events
    assert transcript.aside.counts["part riddle"] == 1
