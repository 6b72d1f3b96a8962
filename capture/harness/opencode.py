"""opencode's database (`opencode.db`): sessions, messages and their parts."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from capture.harness.transcript import Transcript, decoded, mapping, moment
from workbench.errors import InputError

AGENT = "opencode"

_PARTS = """
select part.session_id, part.time_created, part.data, message.data
from part join message on message.id = part.message_id order by part.time_created, part.id
"""
_IGNORED = ("step-start", "step-finish", "text", "reasoning", "snapshot", "patch", "file")


def read(path: Path) -> Transcript:
    """Read a database, all its sessions; raises InputError when the file is not one."""
    transcript = Transcript(AGENT)
    prompts = 0
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            rows = database.execute(_PARTS).fetchall()
    except sqlite3.Error as error:
        raise InputError(f"not an opencode database: {error}", place=path, mend="give opencode.db") from None
    for session, created, part_text, message_text in rows:
        transcript.session = str(session)
        part, message = _object(part_text), _object(message_text)
        kind = part.get("type")
        try:
            if kind == "text" and message.get("role") == "user":
                prompts += 1
                text = str(part.get("text", "")).strip('"')
                transcript.add(moment(created), "prompt", prompt_id=f"prompt-{prompts}", prompt=text)
            elif kind == "tool":
                _call(transcript, part, message, f"prompt-{prompts}")
            elif kind not in _IGNORED:
                transcript.aside.put(f"part {kind}", part_text)
        except (ValueError, OverflowError, OSError):
            transcript.aside.put("no time", part_text)
    return transcript


def _object(text: Any) -> dict[str, Any]:
    try:
        value = decoded(text)
    except (TypeError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _call(transcript: Transcript, part: dict[str, Any], message: dict[str, Any], prompt: str) -> None:
    state = mapping(part.get("state"))
    span = mapping(state.get("time"))
    started = moment(span.get("start"))
    transcript.add(
        started,
        "tool_call",
        call_id=part.get("callID"),
        tool=part.get("tool"),
        arguments=json.dumps(mapping(state.get("input")), ensure_ascii=False),
        operation="execute_tool",
        prompt_id=prompt,
        model=message.get("modelID"),
        mode=message.get("mode"),
    )
    if "end" in span:
        failed = state.get("status") != "completed" or mapping(state.get("metadata")).get("exit") not in (
            None,
            0,
        )
        transcript.add(
            moment(span["end"]),
            "tool_result",
            call_id=part.get("callID"),
            tool=part.get("tool"),
            outcome="failure" if failed else "success",
            result=state.get("output") or state.get("error"),
            prompt_id=prompt,
        )
