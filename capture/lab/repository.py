"""Repositories the agents work in, each one YAML file of paths and texts."""

from __future__ import annotations

from pathlib import Path

import yaml

from capture.lab.home import Files, expand
from capture.lab.world import World
from workbench.errors import InputError

DIRECTORY = Path(__file__).parent / "repositories"


def repository(name: str, world: World) -> Files:
    """Give the files of the repository `name`; raises InputError when there is none."""
    file = DIRECTORY / f"{name}.yml"
    if not file.is_file():
        known = ", ".join(sorted(file.stem for file in DIRECTORY.glob("*.yml")))
        raise InputError(f"no repository {name!r}", place=DIRECTORY, mend=f"use one of {known}")
    texts = yaml.safe_load(file.read_text())
    return {
        expand(path, world): (world.fill(text), "755" if text.startswith("#!") else "644")
        for path, text in texts.items()
    }
