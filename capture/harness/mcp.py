"""MCP's JSON-RPC as a proxy or a server logged it: one message a line, with a time beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from capture.harness.transcript import Transcript, json_lines, mapping, moment

_TIMES = ("timestamp", "t", "time", "ts", "at")
_IGNORED = ("initialize", "ping", "tools/list", "resources/list", "prompts/list")


def read(path: Path) -> Transcript:
    """Read a log of messages; raises InputError when the file holds no JSON objects.

    A line is `{"timestamp": …, "message": {"jsonrpc": "2.0", …}}` or the message with a time among its keys.
    Calls are told apart by their JSON-RPC id; the server names itself in its answer to `initialize`.
    """
    transcript = Transcript("mcp")
    tools: dict[str, str] = {}
    server = path.stem
    for record in json_lines(path, transcript.unknown):
        inner = record.get("message")
        message = inner if isinstance(inner, dict) else record
        try:
            at = moment(next((record[name] for name in _TIMES if name in record), None))
        except (ValueError, OverflowError, OSError):
            transcript.unknown["no time"] += 1
            continue
        identity, method = str(message.get("id", "")), message.get("method")
        result = message.get("result")
        named = result.get("serverInfo") if isinstance(result, dict) else None
        if isinstance(named, dict):
            server = str(named.get("name", server))
        elif method == "tools/call":
            parameters = mapping(message.get("params"))
            tools[identity] = str(parameters.get("name", ""))
            transcript.add(
                at,
                "tool_call",
                call_id=identity,
                tool=tools[identity],
                arguments=json.dumps(mapping(parameters.get("arguments")), ensure_ascii=False),
                operation="execute_tool",
                server=server,
            )
        elif method is None and identity in tools:
            _result(transcript, at, identity, tools.pop(identity), message, server)
        elif method is not None and method not in _IGNORED and not str(method).startswith("notifications/"):
            transcript.unknown[f"method {method}"[:60]] += 1
    return transcript


def _result(
    transcript: Transcript, at: int, identity: str, tool: str, message: dict[str, Any], server: str
) -> None:
    result = message.get("result")
    failed = "error" in message or (isinstance(result, dict) and result.get("isError"))
    transcript.add(
        at,
        "tool_result",
        call_id=identity,
        tool=tool,
        outcome="failure" if failed else "success",
        result=result if result is not None else message.get("error"),
        server=server,
    )
