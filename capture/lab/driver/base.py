"""What every driver of a harness offers."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

import msgspec

from capture.harness.transcript import Transcript
from capture.lab.home import Files
from capture.lab.model.script import Turn
from capture.lab.world import World

Servers = dict[str, list[str]]
"""The MCP servers of a run: name → the command that starts it."""


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """How a harness is started for one run: its model listens on loopback at the world's `model_port`."""

    command: list[str]
    environment: dict[str, str] = {}
    files: Files = {}
    binds: dict[str, str] = {}


class Driver(Protocol):
    """A harness the lab can drive."""

    name: str
    version: str

    def launch(self, world: World, task: str, servers: Servers) -> Launch:
        """Say how to start it, installing it first when needed; raises CaptureError when it cannot be."""
        ...

    def close_script(self, turns: list[Turn], world: World) -> list[Turn]:
        """Add what this harness needs to hear before it stops."""
        ...

    def transcript(self, home: Path, world: World) -> Transcript:
        """Read what the harness itself wrote about the run, found below `home`."""
        ...


@runtime_checkable
class Delegating(Driver, Protocol):
    """A driver whose harness can hold several conversations in one run: they are told apart afterwards."""

    def delegate(self, task: str, world: World) -> Turn:
        """Give the turn with which the model hands a task to a subagent."""
        ...
