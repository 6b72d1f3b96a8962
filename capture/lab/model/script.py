"""The script a model follows: its tool calls in order, and how each is said to the tools on offer."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Mapping
from typing import Any

import msgspec

from capture.lab.internet.journal import Journal

_SHELLS = (
    "bash",
    "run_shell_command",
    "exec_command",
    "shell_command",
    "shell",
    "local_shell",
    "execute_command",
    "Bash",
)


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One answer of the model: call `tool` (`shell` means whatever runs commands here) under the id `id`.

    It is said after `pause` seconds. A turn that `delegates` starts a subagent, whose calls are what is done.
    """

    step: str
    id: str
    tool: str = "shell"
    arguments: dict[str, Any] = {}
    say: str = ""
    pause: int = 0
    delegates: bool = False


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """All turns of a run; `pace` bounds the seconds the model takes to think, drawn from `seed`.

    `others` are the turns of further conversations, by the task that each begins with.
    """

    turns: list[Turn]
    others: dict[str, list[Turn]] = {}
    done: str = "Done."
    port: int = 0
    pace: tuple[float, float] = (0.02, 0.2)
    seed: int = 0


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A tool the harness offers: the properties of its arguments and the kind its dialect names it by."""

    properties: dict[str, Any] = {}
    kind: str = "function"


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A tool call as the harness will read it."""

    id: str
    name: str
    arguments: dict[str, Any]
    kind: str = "function"
    say: str = ""


def bind(turn: Turn, tools: Mapping[str, Offer]) -> Call:
    """Say a turn in terms of the tools on offer; raises LookupError when none of them fits."""
    if turn.tool != "shell":
        for name, offer in tools.items():
            if name == turn.tool or name.endswith((f"__{turn.tool}", f"_{turn.tool}")):
                return Call(id=turn.id, name=name, arguments=turn.arguments, kind=offer.kind, say=turn.say)
        raise LookupError(f"no tool {turn.tool} among {sorted(tools)}")
    for name in _SHELLS:
        if name in tools:
            arguments = _shell_arguments(
                name, str(turn.arguments["command"]), tools[name].properties, turn.say
            )
            return Call(id=turn.id, name=name, arguments=arguments, kind=tools[name].kind, say=turn.say)
    raise LookupError(f"no tool that runs commands among {sorted(tools)}")


def _shell_arguments(name: str, command: str, properties: Mapping[str, Any], say: str) -> dict[str, Any]:
    key = next((key for key in ("command", "cmd", "commands") if key in properties), "command")
    if name == "exec_command":
        return {key: command, "yield_time_ms": 30_000}
    if name in ("shell", "local_shell") and properties.get(key, {}).get("type", "array") == "array":
        return {key: ["bash", "-lc", command]}
    arguments: dict[str, Any] = {key: command}
    if "description" in properties:
        arguments["description"] = say or "Run a command"
    if "is_background" in properties:
        arguments["is_background"] = False
    return arguments


class Actor:
    """Follows the script; which turn is next depends only on the calls in the history, so retries agree."""

    def __init__(self, script: Script, journal: Journal) -> None:
        self.script, self.journal = script, journal
        self._random = random.Random(script.seed)  # noqa: S311 - pacing, not keys
        self._lock = threading.Lock()
        self._asked: dict[str, int] = {}

    def next(self, calls: int, tools: Mapping[str, Offer], said: str = "") -> Call | str:
        """Give the next call, or the closing text when the script is over or no tools are offered.

        `said` is what the user said: it tells which conversation this is.
        """
        if not tools:
            return "Working on it."
        task = next((task for task in self.script.others if task in said), "")
        turns = self.script.others.get(task, self.script.turns)
        with self._lock:
            asked = self._asked.get(task, -1)
            if calls > asked:
                for turn in turns[max(asked, 0) : calls]:
                    self.journal.write("model", kind="result", id=turn.id, step=turn.step)
                self._asked[task] = calls
        time.sleep(self._random.uniform(*self.script.pace))
        if calls >= len(turns):
            return self.script.done
        turn = turns[calls]
        time.sleep(turn.pause)
        try:
            call = bind(turn, tools)
        except LookupError as error:
            self.journal.write("model", kind="unbound", step=turn.step, error=str(error))
            return f"This needs a tool I do not have: {error}"
        self.journal.write(
            "model",
            kind="delegation" if turn.delegates else "call",
            id=call.id,
            step=turn.step,
            tool=call.name,
            arguments=call.arguments,
        )
        return call
