"""What a harness writes while it works is told as it comes, once, and nothing stumbles."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest

from capture.harness.commands import import_harness
from capture.harness.follow import Follower, follow
from capture.harness.formats import FORMATS
from capture.recorder import Recorder
from capture.redact import Redactor
from capture.source import open_source
from workbench.errors import InputError

FIXTURES = Path(__file__).parent / "fixtures"
LINES = {
    "codex": "codex-rollout.jsonl",
    "claude-code": "not-recorded-claude-code.jsonl",
    "hooks": "not-recorded-hooks.jsonl",
    "cursor": "not-recorded-hooks.jsonl",
    "otel": "not-recorded-otlp.jsonl",
    "mcp": "not-recorded-mcp.jsonl",
}
Events = list[dict[str, Any]]


def looks(follower: Follower) -> Events:
    """Look without the pause between two looks."""
    follower._looked = follower._scanned = 0.0
    for file in follower._files.values():
        file.wake()
    return follower.read()


@pytest.mark.parametrize("format", LINES)
def test_a_file_that_grows_is_told_as_it_grows_and_as_it_is_read_whole(format: str, tmp_path: Path) -> None:
    whole = FIXTURES / LINES[format]
    data = whole.read_bytes()
    file = tmp_path / whole.name
    follower = Follower(format, file)
    told: Events = looks(follower)
    assert told == []
    for at in range(0, len(data), 997):  # lines come in pieces
        with file.open("ab") as growing:
            growing.write(data[at : at + 997])
        told += looks(follower)
    read = import_harness(format, whole)
    assert told + follower.rest() == read.events
    assert follower.aside.counts == read.aside.counts


def test_a_chat_that_is_patched_is_told_once(tmp_path: Path) -> None:
    lines = (FIXTURES / "gemini-chat.jsonl").read_text().splitlines(keepends=True)
    file = tmp_path / "session-1.jsonl"
    follower = Follower("gemini-cli", file)
    told: Events = []
    for count in range(1, len(lines) + 1):
        file.write_text("".join(lines[:count]))
        told += looks(follower)
    told += follower.rest()
    whole = import_harness("gemini-cli", FIXTURES / "gemini-chat.jsonl").events
    key = [(e["event.action"], e.get("gen_ai.tool.call.id")) for e in whole]
    assert sorted(key, key=str) == sorted(
        ((e["event.action"], e.get("gen_ai.tool.call.id")) for e in told), key=str
    )


def test_a_trajectory_that_is_rewritten_is_told_once(tmp_path: Path) -> None:
    document = json.loads((FIXTURES / "mini.traj.json").read_text())
    file = tmp_path / "mini.traj.json"
    follower = Follower("mini-swe-agent", file)
    told: Events = []
    for count in range(len(document["messages"]) + 1):
        file.write_text(json.dumps(document | {"messages": document["messages"][:count]}))
        told += looks(follower)
        file.write_text("{ half")
        assert looks(follower) == []
    assert told == import_harness("mini-swe-agent", FIXTURES / "mini.traj.json").events


def test_a_database_is_told_as_its_rows_come(tmp_path: Path) -> None:
    file = tmp_path / "opencode.db"
    shutil.copy(FIXTURES / "opencode.db", file)
    database = sqlite3.connect(file)
    parts = database.execute("select * from part order by time_created, id").fetchall()
    database.execute("delete from part")
    database.commit()
    follower = Follower("opencode", file)
    told: Events = looks(follower)
    assert told == []
    for part in parts:
        database.execute(f"insert into part values ({', '.join('?' * len(part))})", part)
        database.commit()
        told += looks(follower)
    database.close()
    assert told == import_harness("opencode", FIXTURES / "opencode.db").events


def test_what_stood_there_before_is_not_told_and_the_session_is_ours(tmp_path: Path) -> None:
    lines = (FIXTURES / "codex-rollout.jsonl").read_bytes().splitlines(keepends=True)
    half = next(n for n, line in enumerate(lines) if b'"function_call"' in line)
    file = tmp_path / "2026" / "rollout-1.jsonl"
    file.parent.mkdir()
    file.write_bytes(b"".join(lines[:half]))
    follower = Follower("codex", tmp_path, session="ours")
    assert looks(follower) == []
    with file.open("ab") as growing:
        growing.writelines(lines[half:])
    (tmp_path / "2026" / "rollout-2.jsonl").write_bytes(b"".join(lines).replace(b'"id":"', b'"id":"other-'))
    told = follower.rest()
    assert told[0]["event.action"] == "tool_call"
    assert {str(e["gen_ai.conversation.id"])[:6] for e in told} == {"ours", "other-"}


def test_a_file_that_is_cut_or_replaced_is_read_from_its_beginning(tmp_path: Path) -> None:
    data = (FIXTURES / "codex-rollout.jsonl").read_bytes()
    file = tmp_path / "rollout-1.jsonl"
    follower = Follower("codex", file)
    file.write_bytes(data)
    first = looks(follower)
    file.write_bytes(data[: data.index(b"\n") + 1])
    assert looks(follower) == []
    fresh = tmp_path / "fresh"
    fresh.write_bytes(data)
    fresh.rename(file)
    assert looks(follower) == first


def test_hostile_files_neither_hold_it_up_nor_fill_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "rollout-0.jsonl")
    (tmp_path / "rollout-1.jsonl").symlink_to(tmp_path / "nowhere")
    long = tmp_path / "rollout-2.jsonl"
    long.write_bytes(b"x" * 3_000_000 + b"\n[" + b"[" * 200_000 + b"\n{}\n")
    follower = Follower("codex", tmp_path)
    long.write_bytes(long.read_bytes() * 2)
    assert follower.rest() == []
    assert follower.aside.counts["too long"] >= 1
    assert follower.aside.counts["not JSON"] >= 1


def test_half_a_character_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "s.jsonl"
    follower = Follower("claude-code", file)
    file.write_text('{"type": "user", "timestamp": 1, "message": {"content": "do \\ud800"}}\n')
    (event,) = follower.rest()
    assert Redactor().event(event)["gen_ai.prompt.text"] == "do ?"


def test_a_name_of_any_bytes_is_told_in_characters(tmp_path: Path) -> None:
    file = tmp_path / os.fsdecode(b"\xff.jsonl")
    follower = Follower("mcp", file)
    file.write_text('{"t": 1, "id": 1, "method": "tools/call", "params": {"name": "list"}}\n')
    (event,) = follower.rest()
    assert event["mcp.server.name"] == "?"


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_is_followed_or_wants_a_place(format: str, tmp_path: Path) -> None:
    assert Follower(format, tmp_path / "not-yet").rest() == []
    if format in ("mini-swe-agent", "cursor", "otel", "mcp"):
        with pytest.raises(InputError, match=f"--transcript {format}:FILE"):
            follow(format)


FUTURE = '{"timestamp": "2026-11-26T00:00:00Z", "type": "from-the-future"}\\n'


@pytest.mark.live
def test_a_recording_holds_what_the_harness_wrote_meanwhile(tmp_path: Path) -> None:
    source = FIXTURES / "codex-rollout.jsonl"
    recorder = Recorder(
        open_source("bcc"), session_id="ours", transcripts=[follow(f"codex:{tmp_path}", "ours")]
    )
    copy = (
        f"import shutil; shutil.copy({str(source)!r}, {str(tmp_path / 'rollout-1.jsonl')!r});"
        f"open({str(tmp_path / 'rollout-1.jsonl')!r}, 'a').write('{FUTURE}')"
    )
    assert recorder.run([sys.executable, "-c", copy]) == 0
    recording = recorder.finish(tmp_path / "r")
    told = [e for e in recording.events() if e["event.provider"] == "harness"]
    assert len(told) == len(import_harness("codex", source).events)
    assert {e["gen_ai.conversation.id"] for e in told} == {"ours"}
    assert recording.session.sent == recording.session.received
    assert recording.session.loss.detail["unknown_from-the-future"] == 1
    (kept,) = map(json.loads, (recording.path / "aside.jsonl").read_text().splitlines())
    assert kept["kind"] == "from-the-future"
