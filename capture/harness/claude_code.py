"""Claude Code's transcript (`~/.claude/projects/<cwd>/<session>.jsonl`): messages, tool uses, results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from capture.harness.transcript import Transcript, mapping, moment, objects, read_lines

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


class Reader:
    """Reads a transcript record by record."""

    def __init__(self, name: str) -> None:
        self.transcript = Transcript(AGENT)
        self._prompts = 0
        self._tools: dict[str, str] = {}

    def take(self, record: dict[str, Any]) -> None:
        """Read one more record."""
        transcript = self.transcript
        kind = record.get("type")
        if kind not in ("user", "assistant"):
            if kind not in _IGNORED:
                transcript.aside.put(f"type {kind}", record)
            return
        try:
            at = moment(record.get("timestamp"))
        except (ValueError, OverflowError, OSError):
            transcript.aside.put("no time", record)
            return
        transcript.session = str(record.get("sessionId") or transcript.session)
        transcript.version = str(record.get("version") or transcript.version)
        message = mapping(record.get("message"))
        content = message.get("content")
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else objects(content)
        texts = [str(block.get("text", "")) for block in blocks if _kind(block) == "text"]
        if kind == "user" and texts and not record.get("isMeta"):
            self._prompts += 1
            prompt = record.get("promptId") or f"prompt-{self._prompts}"
            transcript.add(at, "prompt", prompt_id=prompt, prompt="\n".join(texts))
        for block in blocks:
            self._block(at, block, message)

    def _block(self, at: int, block: dict[str, Any], message: dict[str, Any]) -> None:
        kind = _kind(block)
        if kind == "tool_use":
            tool = self._tools[str(block.get("id"))] = str(block.get("name"))
            self.transcript.add(
                at,
                "tool_call",
                call_id=block.get("id"),
                tool=tool,
                arguments=json.dumps(mapping(block.get("input")), ensure_ascii=False),
                operation="execute_tool",
                model=message.get("model"),
                server=_server(tool),
            )
        elif kind == "tool_result":
            call = str(block.get("tool_use_id"))
            self.transcript.add(
                at,
                "tool_result",
                call_id=call,
                tool=self._tools.pop(call, None),
                outcome="failure" if block.get("is_error") else "success",
                result=block.get("content"),
            )
        elif kind not in ("text", "thinking", "redacted_thinking", "image", "document"):
            self.transcript.aside.put(f"block {kind}", block)


def read(path: Path) -> Transcript:
    """Read a transcript; raises InputError when the file holds no JSON objects.

    The format is not stable: record types and content blocks it does not know are counted and left out.
    """
    return read_lines(Reader(path.stem), path)


def _kind(block: Any) -> str:
    return str(block.get("type", "")) if isinstance(block, dict) else ""


def _server(tool: str) -> str:
    """Give the MCP server of a tool called `mcp__server__tool`.

    >>> _server("mcp__notes__list"), _server("Bash")
    ('notes', '')
    """
    parts = tool.split("__")
    return parts[1] if parts[0] == "mcp" and len(parts) > 2 else ""
