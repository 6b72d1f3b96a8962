"""Logs of hooks: what `workbench hook` appended, or a harness's own payloads, one JSON object a line."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from capture.harness.transcript import Transcript, moment, read_lines
from capture.hook import event_of
from workbench.event import check_event

_TIMES = ("timestamp", "t", "time", "ts")


class Reader:
    """Reads a log of hooks record by record."""

    def __init__(self, name: str) -> None:
        self.transcript = Transcript("")

    def take(self, record: dict[str, Any]) -> None:
        """Read one more record."""
        transcript = self.transcript
        unknown: Counter[str] = Counter()
        try:
            raw = record if "event.action" in record else _event(record)
            event = check_event(raw, unknown)
        except (ValueError, OverflowError, OSError) as error:
            transcript.aside.put(str(error), record)
            return
        for name in unknown:
            transcript.aside.put(f"field {name}", raw[name])
        transcript.session = str(event.get("gen_ai.conversation.id", transcript.session))
        transcript.agent = str(event.get("gen_ai.agent.name", transcript.agent))
        transcript.events.append(event)


def read(path: Path) -> Transcript:
    """Read a log of hooks; raises InputError when the file holds no JSON objects.

    Payloads as they came (Claude Code's, codex's, gemini-cli's, Cursor's) need a time beside them, in one of
    `timestamp`, `t`, `time` or `ts`; those without one are counted and left out.
    """
    return read_lines(Reader(path.stem), path)


def _event(record: dict[str, Any]) -> dict[str, Any]:
    payload = record.get("in") or record.get("payload") or record
    if not isinstance(payload, dict):
        raise ValueError("a payload that is no object")
    at = moment(next((record[name] for name in _TIMES if name in record), None))
    event = event_of(payload, at, _agent(payload))
    if event is None:
        raise ValueError(f"hook {str(payload.get('hook_event_name'))[:40]}")
    return event


def _agent(payload: dict[str, Any]) -> str:
    if "generation_id" in payload or "conversation_id" in payload:
        return "cursor"
    return "claude-code" if "/.claude/" in str(payload.get("transcript_path", "")) else ""
