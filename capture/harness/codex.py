"""codex's rollout (`rollout-*.jsonl`): what the model did, with the call ids that its tools carry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from capture.harness.transcript import Transcript, mapping, moment, read_lines

AGENT = "codex"

_CALLS = ("function_call", "custom_tool_call", "local_shell_call")
_OUTPUTS = ("function_call_output", "custom_tool_call_output", "local_shell_call_output")
_PARTS = ("message", "reasoning", "compaction")
_KNOWN = ("compacted", "ghost_snapshot", "world_state", "token_usage_record")


class Reader:
    """Reads a rollout record by record."""

    def __init__(self, name: str) -> None:
        self.transcript = Transcript(AGENT)
        self._prompts = 0
        self._tools: dict[str, str] = {}

    def take(self, record: dict[str, Any]) -> None:
        """Read one more record."""
        transcript = self.transcript
        payload = mapping(record.get("payload"))
        try:
            at = moment(record.get("timestamp"))
        except (ValueError, OverflowError, OSError):
            transcript.aside.put("no time", record)
            return
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
                self._prompts += 1
                transcript.add(at, "prompt", prompt_id=self._prompt, prompt=text)
        elif kind == "response_item" and part in _CALLS:
            self._call(at, payload)
        elif kind == "response_item" and part in _OUTPUTS:
            call = str(payload.get("call_id", ""))
            transcript.add(
                at,
                "tool_result",
                call_id=call,
                tool=self._tools.pop(call, None),
                outcome=_outcome(payload.get("output")),
                result=payload.get("output"),
                prompt_id=self._prompt,
            )
        elif kind == "response_item" and part not in _PARTS:
            transcript.aside.put(f"item {part}", record)
        elif kind not in ("event_msg", "response_item", *_KNOWN):
            transcript.aside.put(str(kind), record)

    @property
    def _prompt(self) -> str:
        return f"prompt-{self._prompts}"

    def _call(self, at: int, payload: dict[str, Any]) -> None:
        call = str(payload.get("call_id", ""))
        self._tools[call] = str(payload.get("name") or payload.get("type"))
        self.transcript.add(
            at,
            "tool_call",
            call_id=call,
            tool=self._tools[call],
            arguments=payload.get("arguments") or payload.get("input") or payload.get("action"),
            operation="execute_tool",
            prompt_id=self._prompt,
            mode=self.transcript.mode,
        )


def read(path: Path) -> Transcript:
    """Read a rollout; raises InputError when the file holds no JSON objects."""
    return read_lines(Reader(path.stem), path)


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
