"""codex's rollout (`rollout-*.jsonl`): what the model did, with the call ids that its tools carry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from capture.harness.transcript import Transcript, json_lines, moment

AGENT = "codex"

_CALLS = ("function_call", "custom_tool_call", "local_shell_call")
_OUTPUTS = ("function_call_output", "custom_tool_call_output", "local_shell_call_output")
_KNOWN = ("compacted", "ghost_snapshot", "world_state", "token_usage_record")


def read(path: Path) -> Transcript:
    """Read a rollout; raises InputError when the file holds no JSON objects."""
    transcript = Transcript(AGENT)
    prompts = 0
    tools: dict[str, str] = {}
    for record in json_lines(path, transcript.unknown):
        payload = record.get("payload")
        payload = payload if isinstance(payload, dict) else {}
        try:
            at = moment(record.get("timestamp"))
        except (ValueError, OverflowError, OSError):
            transcript.unknown["no time"] += 1
            continue
        kind, part = record.get("type"), payload.get("type")
        if kind == "session_meta":
            transcript.session = str(payload.get("id", ""))
            transcript.version = str(payload.get("cli_version", ""))
        elif kind == "turn_context":
            transcript.mode = str(payload.get("approval_policy", ""))
        elif kind == "response_item" and part == "message":
            # What the harness itself puts before the user's words stands in angle brackets.
            text = _words(payload)
            if payload.get("role") == "user" and text and not text.startswith(("<", "# AGENTS.md")):
                prompts += 1
                transcript.add(at, "prompt", prompt_id=f"prompt-{prompts}", prompt=text)
        elif kind == "response_item" and part in _CALLS:
            _call(transcript, at, payload, f"prompt-{prompts}", tools)
        elif kind == "response_item" and part in _OUTPUTS:
            call = str(payload.get("call_id", ""))
            transcript.add(
                at,
                "tool_result",
                call_id=call,
                tool=tools.get(call),
                outcome=_outcome(payload.get("output")),
                result=payload.get("output"),
                prompt_id=f"prompt-{prompts}",
            )
        elif kind not in ("event_msg", "response_item", *_KNOWN):
            transcript.unknown[str(kind)] += 1
    return transcript


def _call(
    transcript: Transcript, at: int, payload: dict[str, Any], prompt: str, tools: dict[str, str]
) -> None:
    call = str(payload.get("call_id", ""))
    tools[call] = str(payload.get("name") or payload.get("type"))
    transcript.add(
        at,
        "tool_call",
        call_id=call,
        tool=tools[call],
        arguments=payload.get("arguments") or payload.get("input") or payload.get("action"),
        operation="execute_tool",
        prompt_id=prompt,
        mode=transcript.mode,
    )


def _words(payload: dict[str, Any]) -> str:
    content = payload.get("content")
    parts = content if isinstance(content, list) else []
    return "".join(str(part.get("text", "")) for part in parts if isinstance(part, dict))


def _outcome(output: Any) -> str:
    text = output if isinstance(output, str) else str(output)
    failed = any(mark in text for mark in ("Process exited with code ", '"exit_code":')) and not any(
        mark in text for mark in ("Process exited with code 0", '"exit_code":0', '"exit_code": 0')
    )
    return "failure" if failed else "success"
