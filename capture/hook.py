"""One event from a harness's hook: reads the hook's JSON, appends one line, and is gone within 50 ms.

Standard library only, since a harness waits for it at every tool call:

    workbench-hook --agent NAME --out FILE < payload.json

A control plane tells of its own state with `{"hook_event_name": "Control", "control_action": ACTION,
"control": {…}}`: one of CONTROL_ACTIONS, and the values of `control.*` fields by their last words.

Understands the payloads of Claude Code, codex, gemini-cli, qwen-code and Cursor by the names of their
events; a payload it does not know is kept in FILE.unknown, without secrets, and never an error: a hook that
fails would stop the agent.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time

TYPE_CHECKING = False  # importing typing would be a fifth of the whole run
if TYPE_CHECKING:
    from typing import Any

ACTIONS = {
    "SessionStart": "session_start",
    "sessionStart": "session_start",
    "SessionEnd": "session_end",
    "sessionEnd": "session_end",
    "UserPromptSubmit": "prompt",
    "BeforeAgent": "prompt",
    "beforeSubmitPrompt": "prompt",
    "PreToolUse": "tool_call",
    "BeforeTool": "tool_call",
    "preToolUse": "tool_call",
    "beforeShellExecution": "tool_call",
    "beforeMCPExecution": "tool_call",
    "beforeReadFile": "tool_call",
    "PostToolUse": "tool_result",
    "PostToolUseFailure": "tool_result",
    "AfterTool": "tool_result",
    "postToolUse": "tool_result",
    "afterShellExecution": "tool_result",
    "afterMCPExecution": "tool_result",
    "afterFileEdit": "tool_result",
    "PermissionRequest": "approval",
}
"""Hook event name → `event.action`."""

CONTROL_ACTIONS = (
    *("token_issue", "token_refresh", "token_revoke", "mode_change", "permission_bypass"),
    *("message", "operation", "account_switch", "device_trust"),
)
"""What a control plane can tell of."""

_REDACTED = ("gen_ai.prompt.text", "gen_ai.tool.call.arguments", "gen_ai.tool.call.result")
_TOOLS = {"Shell": "shell", "ReadFile": "read_file", "FileEdit": "edit_file"}
_SHOWN = 4_000
_READ, _ASIDE = 65_536, 1_000_000  # bytes of a payload, and of the file, up to which unknown ones are kept

# Coarse on purpose: the patterns of `capture.redact` cost more time than a hook has, and follow at import.
_KEY_BLOCK = re.compile(r"-----BEGIN [A-Z ]{0,40}KEY-----[^-]*(?:-----END [A-Z ]{0,40}-----)?")
_NAMED = re.compile(
    r"(?i)\b([\w.-]{0,40}(?:key|token|secret|passw(?:or)?d|credential|authorization)[\w.-]{0,40})"
    r"([\"']?\s?[=:]\s?[\"']?(?:(?:bearer|basic|token)\s)?)([^\s\"'&;,]{4,})"
)
_LONG = re.compile(r"(?<![\w+=-])(?=[\w+=-]{0,200}\d)(?=[\w+=-]{0,200}[A-Za-z])[\w+=-]{20,}")


def event_of(payload: dict[str, Any], now: int, agent: str = "") -> dict[str, Any] | None:
    """Turn a hook's payload into an event at `now` (ns since 1970), or None when it says nothing we know.

    >>> event_of({"hook_event_name": "PreToolUse", "session_id": "s", "tool_name": "Bash",
    ...           "tool_input": {"command": "ls"}}, 0)["gen_ai.tool.call.arguments"]
    '{"command": "ls"}'
    """
    name = str(payload.get("hook_event_name", ""))
    action = ACTIONS.get(name)
    if action is None:
        return _control_event(payload, now, agent) if name == "Control" else None
    named = next((tool for part, tool in _TOOLS.items() if part in name), "")
    arguments = payload.get("tool_input", payload.get("command", payload.get("file_path")))
    result = payload.get("tool_response", payload.get("output", payload.get("result_json")))
    event = {
        "@timestamp": _rfc3339(now),
        "event.category": "agent",
        "event.action": action,
        "event.provider": "hook",
        "gen_ai.agent.name": agent,
        "gen_ai.conversation.id": payload.get("session_id") or payload.get("conversation_id"),
        "gen_ai.prompt.id": payload.get("turn_id")
        or payload.get("prompt_id")
        or payload.get("generation_id"),
        "gen_ai.prompt.text": payload.get("prompt"),
        "gen_ai.tool.name": payload.get("tool_name") or named,
        "gen_ai.tool.call.id": payload.get("tool_use_id") or payload.get("tool_call_id"),
        "gen_ai.tool.call.arguments": arguments if action == "tool_call" else None,
        "gen_ai.tool.call.result": result if action == "tool_result" else None,
        "gen_ai.request.model": payload.get("model"),
        "agent.mode": payload.get("permission_mode"),
        "process.working_directory": payload.get("cwd"),
    }
    texts = {name: _text(value) for name, value in event.items() if value}
    # Redacted before it is cut, so that no half of a secret escapes.
    return {name: redact(text)[:_SHOWN] if name in _REDACTED else text for name, text in texts.items()}


def _control_event(payload: dict[str, Any], now: int, agent: str) -> dict[str, Any] | None:
    action, state = payload.get("control_action"), payload.get("control")
    if action not in CONTROL_ACTIONS or not isinstance(state, dict):
        return None
    event = {
        "@timestamp": _rfc3339(now),
        "event.category": "control",
        "event.action": action,
        "event.provider": "hook",
        "gen_ai.agent.name": agent,
        "gen_ai.conversation.id": payload.get("session_id"),
        "agent.mode": payload.get("permission_mode"),
    }
    told = {name: _text(value) for name, value in event.items() if value}
    for name, value in state.items():
        number = isinstance(value, int) and not isinstance(value, bool)
        told[f"control.{name}"[:80]] = value if number else _text(value)[:_SHOWN]
    return told


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def redact(text: str) -> str:
    """Take out what may be a secret: key blocks, what is called a key or token, long words with digits.

    >>> redact("curl -H 'Authorization: Bearer abcdef' -d token=s3cret ghp_0123456789abcdefghijklmnop ./a.py")
    "curl -H 'Authorization: Bearer [redacted]' -d token=[redacted] [redacted] ./a.py"
    """
    text = _KEY_BLOCK.sub("[redacted]", text)
    text = _NAMED.sub(r"\1\2[redacted]", text)
    return _LONG.sub("[redacted]", text)


def _rfc3339(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:09d}Z"


def append(path: str, line: bytes) -> None:
    """Append a line whole: one write, to a file opened for appending and readable by its owner alone."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        os.write(handle, line)
    finally:
        os.close(handle)


def log_path() -> str:
    """Give where hooks write when not told: `$WORKBENCH_HOOK_LOG`, else in the state directory."""
    if named := os.environ.get("WORKBENCH_HOOK_LOG"):
        return named
    # Not pathlib: importing it would be a third of the whole run.
    state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")  # noqa: PTH111
    directory = os.path.join(state, "agent-detection-workbench")  # noqa: PTH118
    os.makedirs(directory, mode=0o700, exist_ok=True)  # noqa: PTH103
    return os.path.join(directory, "hooks.jsonl")  # noqa: PTH118


def run(payload: bytes, out: str, agent: str = "") -> None:
    """Append the event of one hook payload to `out`."""
    try:
        decoded = json.loads(payload)
    except (ValueError, RecursionError):
        decoded = None
    event = event_of(decoded, time.time_ns(), agent) if isinstance(decoded, dict) else None
    if event is None:
        kind = decoded.get("hook_event_name", "no event name") if isinstance(decoded, dict) else "not JSON"
        _set_aside(out + ".unknown", str(kind)[:80], payload)
    else:
        append(out, json.dumps(event, ensure_ascii=False).encode("utf-8", "replace") + b"\n")


def _set_aside(path: str, kind: str, payload: bytes) -> None:
    line = {"kind": kind}
    if not os.path.exists(path) or os.path.getsize(path) < _ASIDE:  # noqa: PTH110, PTH202 - see above
        line["record"] = redact(payload[:_READ].decode(errors="replace"))[:_SHOWN]
    append(path, json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n")


def main() -> int:
    """Append one event; always succeeds towards the harness, telling faults on standard error only."""
    out, agent = "", ""
    arguments = iter(sys.argv[1:])
    for argument in arguments:
        if argument == "--out":
            out = next(arguments, "")
        elif argument == "--agent":
            agent = next(arguments, "")
    try:
        run(sys.stdin.buffer.read(), out or log_path(), agent)
    except OSError as error:
        print(f"workbench-hook: {error}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
