"""MCP's JSON-RPC as a proxy or a server logged it: one message a line, with a time beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from capture.aside import characters
from capture.harness.transcript import Transcript, mapping, moment, read_lines

_TIMES = ("timestamp", "t", "time", "ts", "at")
_IGNORED = ("initialize", "ping", "tools/list", "resources/list", "prompts/list")


class Reader:
    """Reads a log record by record; `name` is the server's until it names itself."""

    def __init__(self, name: str) -> None:
        self.transcript = Transcript("mcp")
        self._server = characters(name)
        self._tools: dict[str, str] = {}

    def take(self, record: dict[str, Any]) -> None:
        """Read one more record."""
        transcript = self.transcript
        inner = record.get("message")
        message = inner if isinstance(inner, dict) else record
        try:
            at = moment(next((record[name] for name in _TIMES if name in record), None))
        except (ValueError, OverflowError, OSError):
            transcript.aside.put("no time", record)
            return
        identity, method = str(message.get("id", "")), message.get("method")
        named = mapping(message.get("result")).get("serverInfo")
        if isinstance(named, dict):
            self._server = str(named.get("name", self._server))
        elif method == "tools/call":
            parameters = mapping(message.get("params"))
            tool = self._tools[identity] = str(parameters.get("name", ""))
            transcript.add(
                at,
                "tool_call",
                call_id=identity,
                tool=tool,
                arguments=json.dumps(mapping(parameters.get("arguments")), ensure_ascii=False),
                operation="execute_tool",
                server=self._server,
            )
        elif method is None and identity in self._tools:
            self._result(at, identity, message)
        elif method is not None and method not in _IGNORED and not str(method).startswith("notifications/"):
            transcript.aside.put(f"method {method}", record)

    def _result(self, at: int, identity: str, message: dict[str, Any]) -> None:
        result = message.get("result")
        failed = "error" in message or mapping(result).get("isError")
        self.transcript.add(
            at,
            "tool_result",
            call_id=identity,
            tool=self._tools.pop(identity),
            outcome="failure" if failed else "success",
            result=result if result is not None else message.get("error"),
            server=self._server,
        )


def read(path: Path) -> Transcript:
    """Read a log of messages; raises InputError when the file holds no JSON objects.

    A line is `{"timestamp": …, "message": {"jsonrpc": "2.0", …}}` or the message with a time among its keys.
    Calls are told apart by their JSON-RPC id; the server names itself in its answer to `initialize`.
    """
    return read_lines(Reader(path.stem), path)
