"""Harnesses from npm: installed once, seen by the run below the user's home."""

from __future__ import annotations

from capture.lab.install import HARNESSES, node_modules
from capture.lab.world import World


def bound(name: str, world: World) -> tuple[str, dict[str, str]]:
    """Give where the harness lies in the run and the bind that puts it there; installs it when missing."""
    inside = f"{world.home}/.local/lib/{name}"
    return inside, {str(node_modules(HARNESSES / name)): inside}
