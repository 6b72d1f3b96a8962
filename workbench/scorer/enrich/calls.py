"""Tool calls of a session, as the harness told them: which was running, and which command it ran."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

import msgspec

MAX_CALLS = 256
_SHORTEST_PART = 8
_LONGEST_COMMAND = 16_384
_MOST_ARGUMENTS = 64
_COMMAND_KEYS = ("command", "cmd", "script", "code", "input", "shell_command", "commands")


class ToolCall(msgspec.Struct, gc=False):
    """One tool call; `end` is 0 while it runs, times are nanoseconds since 1970."""

    id: str
    tool: str = ""
    prompt: str = ""
    server: str = ""
    begin: int = 0
    end: int = 0
    commands: list[str] = []
    matched: bool = False

    @property
    def by_mcp(self) -> bool:
        """Whether an MCP server carries the call out."""
        return bool(self.server) or self.tool.startswith(("mcp__", "mcp_", "mcp."))


def commands_of(arguments: str) -> list[str]:
    """Give the command lines in a call's arguments, blanks folded.

    >>> commands_of('{"command": ["bash", "-lc", "ls  -l"], "timeout": 5}'), commands_of("ls")
    (['bash -lc ls -l', 'ls -l'], ['ls'])
    """
    try:
        data = msgspec.json.decode(arguments)
    except (msgspec.MsgspecError, RecursionError):
        data = arguments
    if not isinstance(data, Mapping):
        return _texts(data)
    return [text for key in _COMMAND_KEYS if key in data for text in _texts(data[key])]


def fold(text: str) -> str:
    """Make every run of blanks one space, and cut what is very long."""
    return " ".join(text[:_LONGEST_COMMAND].split())


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [fold(value)]
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return [fold(" ".join(value)), fold(value[-1])]
    return []


class Command(NamedTuple):
    """What a process runs: its command line and its arguments, blanks folded."""

    line: str
    parts: list[str]

    @classmethod
    def of(cls, args: Iterable[str], command_line: str) -> Command:
        """Fold a process's arguments and command line."""
        return cls(fold(command_line), [fold(arg) for arg in islice(args, _MOST_ARGUMENTS)])

    def carries_out(self, call: ToolCall) -> bool:
        """Whether this is the call's command, has it as an argument, or wraps one of some length."""
        return any(
            command == self.line
            or command in self.parts
            or (len(command) >= _SHORTEST_PART and command in self.line)
            for command in call.commands
            if command
        )


class Calls:
    """The latest tool calls of one session, at most `MAX_CALLS`; older ones are forgotten and counted."""

    def __init__(self) -> None:
        self._calls: dict[str, ToolCall] = {}
        self._open: dict[str, ToolCall] = {}
        self._any_ended = False
        self.evicted = 0

    def __len__(self) -> int:
        """Count the calls that are remembered."""
        return len(self._calls)

    def begin(self, call: ToolCall) -> ToolCall:
        """Note that a call began, or learn more of one already known by its id."""
        known = self._calls.get(call.id)
        if known is not None:
            known.tool, known.prompt = known.tool or call.tool, known.prompt or call.prompt
            known.server, known.commands = known.server or call.server, known.commands or call.commands
            return known
        self.turn()
        self._calls[call.id] = self._open[call.id] = call
        if len(self._calls) > MAX_CALLS:
            oldest = next(iter(self._calls))
            self._calls.pop(oldest)
            self._open.pop(oldest, None)
            self.evicted += 1
        return call

    def turn(self) -> None:
        """Note that the agent went on; where a harness never tells when a call ends, that ends it."""
        if not self._any_ended:
            self._open.clear()

    def end(self, call_id: str, time: int) -> None:
        """Note that a call ended."""
        self._any_ended = True
        call = self._open.pop(call_id, None)
        if call is not None:
            call.end = time

    def get(self, call_id: str) -> ToolCall | None:
        """Give the call with this id, or None."""
        return self._calls.get(call_id)

    def running(self) -> list[ToolCall]:
        """Give the calls that run now, in order of their beginning."""
        return list(self._open.values())

    def carried_out_by(self, command: Command, time: int, slack: int) -> ToolCall | None:
        """Give the call that a process begun at `time` carries out, calls without a process first.

        A call counts while it runs and until `slack` nanoseconds after its end.
        """
        again = None
        for call in self._calls.values():
            if call.end and call.end + slack < time:
                continue
            if command.carries_out(call):
                if not call.matched:
                    return call
                again = call
        return again

    def snapshot(self) -> dict[str, Any]:
        """Give the state as plain data."""
        calls = [msgspec.structs.astuple(call) for call in self._calls.values()]
        return {"calls": calls, "open": list(self._open), "ended": self._any_ended, "evicted": self.evicted}

    @classmethod
    def restored(cls, data: Mapping[str, Any]) -> Calls:
        """Give the calls that `snapshot` told."""
        calls = cls()
        calls._calls = {call[0]: ToolCall(*call) for call in data["calls"]}
        calls._open = {name: calls._calls[name] for name in data["open"]}
        calls._any_ended, calls.evicted = data["ended"], data["evicted"]
        return calls

    def __iter__(self) -> Iterator[ToolCall]:
        """Give the calls in order of their beginning."""
        return iter(self._calls.values())
