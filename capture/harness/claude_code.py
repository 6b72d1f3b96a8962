"""Claude Code's transcript (`~/.claude/projects/<cwd>/<session>.jsonl`): messages, tool uses, results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from capture.harness.transcript import Transcript, json_lines, mapping, moment, objects

AGENT = "claude-code"

_IGNORED = (
    "summary",
    "system",
    "file-history-snapshot",
    "queue-operation",
    "attachment",
    "last-prompt",
    "mode",
)


def read(path: Path) -> Transcript:
    """Read a transcript; raises InputError when the file holds no JSON objects.

    The format is not stable: record types and content blocks it does not know are counted and left out.
    """
    transcript = Transcript(AGENT)
    prompts = 0
    tools: dict[str, str] = {}
    for record in json_lines(path, transcript.unknown):
        kind = record.get("type")
        if kind not in ("user", "assistant"):
            if kind not in _IGNORED:
                transcript.unknown[f"type {kind}"] += 1
            continue
        try:
            at = moment(record.get("timestamp"))
        except (ValueError, OverflowError, OSError):
            transcript.unknown["no time"] += 1
            continue
        transcript.session = str(record.get("sessionId") or transcript.session)
        transcript.version = str(record.get("version") or transcript.version)
        message = record.get("message")
        message = message if isinstance(message, dict) else {}
        content = message.get("content")
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else objects(content)
        texts = [str(block.get("text", "")) for block in blocks if _kind(block) == "text"]
        if kind == "user" and texts and not record.get("isMeta"):
            prompts += 1
            prompt = record.get("promptId") or f"prompt-{prompts}"
            transcript.add(at, "prompt", prompt_id=prompt, prompt="\n".join(texts))
        for block in blocks:
            _block(transcript, at, block, tools, message)
    return transcript


def _kind(block: Any) -> str:
    return str(block.get("type", "")) if isinstance(block, dict) else ""


def _block(
    transcript: Transcript, at: int, block: Any, tools: dict[str, str], message: dict[str, Any]
) -> None:
    kind = _kind(block)
    if kind == "tool_use":
        tools[str(block.get("id"))] = str(block.get("name"))
        transcript.add(
            at,
            "tool_call",
            call_id=block.get("id"),
            tool=block.get("name"),
            arguments=json.dumps(mapping(block.get("input")), ensure_ascii=False),
            operation="execute_tool",
            model=message.get("model"),
            server=_server(str(block.get("name"))),
        )
    elif kind == "tool_result":
        call = str(block.get("tool_use_id"))
        transcript.add(
            at,
            "tool_result",
            call_id=call,
            tool=tools.get(call),
            outcome="failure" if block.get("is_error") else "success",
            result=block.get("content"),
        )
    elif kind not in ("text", "thinking", "redacted_thinking", "image", "document"):
        transcript.unknown[f"block {kind}"] += 1


def _server(tool: str) -> str:
    """Give the MCP server of a tool called `mcp__server__tool`.

    >>> _server("mcp__notes__list"), _server("Bash")
    ('notes', '')
    """
    parts = tool.split("__")
    return parts[1] if parts[0] == "mcp" and len(parts) > 2 else ""
