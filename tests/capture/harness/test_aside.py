"""What a harness writes and we do not know is counted and kept beside the recording, without secrets."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from capture.aside import Aside
from capture.importer import import_file
from capture.redact import Redactor
from workbench.dataset.recording import Recording

FIXTURES = Path(__file__).parent / "fixtures"
SECRET = "AKIAIOSFODNN7EXAMPLQ"
AT = "2026-01-01T00:00:09Z"
SPAN = {"name": "dream", "startTimeUnixNano": "1", "endTimeUnixNano": "2", "note": SECRET}
SPANS = {"resourceSpans": [{"scopeSpans": [{"spans": [SPAN]}]}]}
UNKNOWN: dict[str, tuple[str, Any, str]] = {
    "codex": ("codex-rollout.jsonl", {"timestamp": AT, "type": "dream", "payload": SECRET}, "dream"),
    "codex item": (
        "codex-rollout.jsonl",
        {"timestamp": AT, "type": "response_item", "payload": {"type": "dream", "text": SECRET}},
        "item dream",
    ),
    "gemini-cli": (
        "gemini-chat.jsonl",
        {"id": "d", "type": "dream", "timestamp": AT, "content": SECRET},
        "type dream",
    ),
    "gemini-cli record": ("gemini-chat.jsonl", {"dream": SECRET}, "record"),
    "claude-code": ("not-recorded-claude-code.jsonl", {"type": "dream", "text": SECRET}, "type dream"),
    "hooks": ("not-recorded-hooks.jsonl", {"hook_event_name": "Dream", "t": 1, "x": SECRET}, "hook Dream"),
    "cursor": ("not-recorded-hooks.jsonl", {"conversation_id": "c", "t": 1, "x": SECRET}, "hook None"),
    "otel": ("not-recorded-otlp.jsonl", SPANS, "operation dream"),
    "otel logs": ("not-recorded-otlp.jsonl", {"resourceLogs": [SECRET]}, "no spans"),
    "mcp": ("not-recorded-mcp.jsonl", {"t": 1, "method": "dream", "params": SECRET}, "method dream"),
}


def imported(format: str, file: Path, out: Path) -> Recording:
    return import_file(format.partition(" ")[0], file, out)


def kept(recording: Recording) -> list[dict[str, str]]:
    return [json.loads(line) for line in (recording.path / "aside.jsonl").read_text().splitlines()]


def check(recording: Recording, kind: str) -> None:
    assert recording.session.loss.detail[f"unknown_{kind}"] == 1
    (record,) = [line["record"] for line in kept(recording) if line["kind"] == kind]
    assert "[redacted:" in record
    assert not any(SECRET in file.read_text(errors="replace") for file in recording.path.iterdir())


@pytest.mark.parametrize("format", UNKNOWN)
def test_a_line_of_an_unknown_kind(format: str, tmp_path: Path) -> None:
    name, record, kind = UNKNOWN[format]
    file = tmp_path / name
    file.write_text((FIXTURES / name).read_text().rstrip("\n") + "\n" + json.dumps(record) + "\n")
    check(imported(format, file, tmp_path / "r"), kind)


def test_a_message_of_an_unknown_role_in_a_trajectory(tmp_path: Path) -> None:
    document = json.loads((FIXTURES / "mini.traj.json").read_text())
    document["messages"].append({"role": "dream", "content": SECRET})
    file = tmp_path / "mini.traj.json"
    file.write_text(json.dumps(document))
    check(imported("mini-swe-agent", file, tmp_path / "r"), "role dream")


def test_a_part_of_an_unknown_type_in_a_database(tmp_path: Path) -> None:
    file = tmp_path / "opencode.db"
    shutil.copy(FIXTURES / "opencode.db", file)
    with closing(sqlite3.connect(file)) as database:
        (message, session) = database.execute("select message_id, session_id from part").fetchone()
        columns = [row[1] for row in database.execute("pragma table_info(part)")]
        part = {"id": "d", "message_id": message, "session_id": session, "time_created": 1}
        part["data"] = json.dumps({"type": "dream", "text": SECRET})
        values = [part.get(column, 0) for column in columns]
        database.execute(f"insert into part values ({','.join('?' * len(values))})", values)
        database.commit()
    check(imported("opencode", file, tmp_path / "r"), "part dream")


def test_the_value_of_an_unknown_field_of_a_hooks_event(tmp_path: Path) -> None:
    event = {"@timestamp": AT, "event.category": "agent", "event.action": "prompt", "dream": SECRET}
    (tmp_path / "hooks.jsonl").write_text(json.dumps(event) + "\n")
    check(imported("hooks", tmp_path / "hooks.jsonl", tmp_path / "r"), "field dream")


def test_a_recording_of_what_is_known_has_nothing_aside(tmp_path: Path) -> None:
    recording = imported("codex", FIXTURES / "codex-rollout.jsonl", tmp_path / "r")
    assert not (recording.path / "aside.jsonl").exists()


def test_what_is_kept_is_bounded_and_what_is_counted_is_not() -> None:
    aside = Aside()
    for number in range(2_000):
        aside.put(f"kind {number}", "x" * 100_000)
    assert aside.counts.total() == 2_000
    assert len(aside.counts) <= 1_001
    assert len(lines := aside.lines(Redactor())) == 200
    assert max(len(line["record"]) for line in lines) <= 4_000


def test_half_a_character_is_kept_as_a_whole_one() -> None:
    aside = Aside()
    aside.put("\ud800", json.loads('"\\ud800"'))
    assert aside.lines(Redactor()) == [{"kind": "?", "record": "?"}]
