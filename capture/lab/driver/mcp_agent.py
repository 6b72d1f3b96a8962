"""The smallest agent with MCP tools: asks a model, calls what it says, logs every message.

    python3 mcp_agent.py MODEL_URL LOG TASK SERVER_COMMAND…

It is run inside the lab as a program of its own, not imported: a client whose every step is in plain sight.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from datetime import UTC, datetime
from typing import Any

_BASH = {
    "type": "function",
    "function": {
        "name": "bash",
        "description": "Run a command",
        "parameters": {"type": "object", "properties": {"command": {"type": "string"}}},
    },
}


class Server:
    """An MCP server on its standard input and output; each message is logged with its time."""

    def __init__(self, command: list[str], log: str) -> None:
        self.log = log
        self.next = 0
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        client = {"name": "mcp-agent", "version": "1"}
        self.ask("initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo=client)
        self.say({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def say(self, message: dict[str, Any]) -> None:
        """Send a message."""
        if self.process.stdin is None:
            raise OSError("the server has no input")
        self.note(message)
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def ask(self, method: str, identity: str = "", **params: Any) -> Any:
        """Send a request and give its result."""
        self.next += 1
        identity = identity or str(self.next)
        self.say({"jsonrpc": "2.0", "id": identity, "method": method, "params": params})
        for line in self.process.stdout or ():
            message = json.loads(line)
            self.note(message)
            if message.get("id") == identity:
                return message.get("result") or message.get("error")
        raise OSError("the server went away")

    def note(self, message: dict[str, Any]) -> None:
        """Log a message."""
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        with open(self.log, "a") as file:  # noqa: PTH123
            file.write(json.dumps({"timestamp": now, "message": message}) + "\n")


def ask_model(url: str, messages: list[Any], tools: list[Any]) -> dict[str, Any]:
    """Give the model's next message."""
    body = json.dumps({"model": "gpt-5", "messages": messages, "tools": tools}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        message: dict[str, Any] = json.load(answer)["choices"][0]["message"]
    return message


def run(name: str, arguments: dict[str, Any], identity: str, server: Server) -> str:
    """Make one call, of the shell or of the server."""
    if name == "bash":
        server.note(
            {"id": identity, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
        )
        done = subprocess.run(
            ["bash", "-c", arguments["command"]], capture_output=True, text=True, check=False
        )
        result = {"isError": done.returncode != 0, "content": done.stdout + done.stderr}
        server.note({"id": identity, "result": result})
        return done.stdout + done.stderr
    return json.dumps(server.ask("tools/call", identity, name=name, arguments=arguments))


def main() -> None:
    """Work until the model says no more."""
    url, log, task, *command = sys.argv[1:]
    os.makedirs(os.path.dirname(log), exist_ok=True)  # noqa: PTH103, PTH120
    server = Server(command, log)
    offered = [
        {"type": "function", "function": {"name": tool["name"], "parameters": tool["inputSchema"]}}
        for tool in server.ask("tools/list")["tools"]
    ]
    messages: list[Any] = [{"role": "user", "content": task}]
    while calls := (said := ask_model(url, messages, [_BASH, *offered])).get("tool_calls"):
        messages.append(said)
        for call in calls:
            function = call["function"]
            text = run(function["name"], json.loads(function["arguments"]), call["id"], server)
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": text[:20_000]})
    server.process.kill()


if __name__ == "__main__":
    main()
