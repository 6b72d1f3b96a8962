"""Evasions as mutators: the malicious steps of a scenario, done another way."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec
import yaml
from msgspec.structs import replace

from capture.lab.scenario import Scenario, Step
from capture.lab.world import World
from workbench.errors import InputError

_CLASSES = {
    "SECRET": r"(?:(?:~|/home/\w+)/\.(?:aws/\w+|ssh/id_\w+|netrc|npmrc|config/gh/hosts\.yml)"
    r"|(?:/home/\w+/\w+/[\w-]+/)?(?<![\w.])\.env\b)",
    "FILE": r"[~\w./-]+",
}


class Mutator(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One evasion: `swap` holds pairs of pattern and replacement, `first` what is run once before.

    `pause` is how many seconds pass before each malicious step but the first, `programs` what must be in the
    user's path for what is swapped in. `split` has what comes from the last malicious step on done in a
    session of its own, or each malicious step by a subagent of its own. It divides benign work too, of which
    the second to the fourth step count as if they were malicious.
    """

    name: str
    title: str
    swap: list[tuple[str, str]] = []
    first: str = ""
    pause: int = 0
    programs: list[str] = []
    split: Literal["", "sessions", "subagents"] = ""

    def apply(self, scenario: Scenario, world: World) -> Scenario:
        """Give the scenario with its malicious steps changed; the very same one when none fits.

        The scenario's commands must have the world's names in them already.
        """
        steps: list[Step] = []
        begun = False
        for step in scenario.steps:
            changed = self._change(step, world)
            if changed.run != step.run and self.first and not begun:
                changed = replace(changed, run=f"{world.fill(self.first)}; {changed.run}")
                begun = True
            steps.append(changed)
        for number in [n for n, step in enumerate(steps) if step.malicious][1:] if self.pause else ():
            steps[number] = replace(steps[number], pause=self.pause)
        if self.split:
            steps = _split(steps, self.split)
        if steps == scenario.steps:
            return scenario
        return replace(scenario, steps=steps, programs=[*scenario.programs, *self.programs])

    def _change(self, step: Step, world: World) -> Step:
        if not step.malicious or step.partial or not step.run:
            return step
        run = step.run
        for pattern, text in self.swap:
            for name, matches in _CLASSES.items():
                pattern = pattern.replace(name, matches)  # noqa: PLW2901 - built up
            run = re.sub(pattern, world.fill(text), run)
        return replace(step, run=run)


def _split(steps: list[Step], by: str) -> list[Step]:
    able = [n for n, step in enumerate(steps) if step.run and not step.partial]
    moved = [n for n in able if steps[n].malicious]
    if not any(step.malicious for step in steps):
        moved = able[1:4]
    if len(moved) < 2:
        return steps
    if by == "subagents":
        return [replace(step, subagent=n in moved) for n, step in enumerate(steps)]
    return [replace(step, session=int(n >= moved[-1])) for n, step in enumerate(steps)]


@cache
def mutators() -> dict[str, Mutator]:
    """Give every mutator by its name."""
    table = yaml.safe_load((Path(__file__).parent / "mutators.yml").read_text())
    return {each.name: each for each in msgspec.convert(table, list[Mutator])}


def mutator_for(name: str) -> Mutator:
    """Give a mutator; raises InputError for an unknown one."""
    if name not in mutators():
        raise InputError(f"no mutator {name!r}", mend=f"use one of {', '.join(mutators())}")
    return mutators()[name]


def fitting(scenario: Scenario, world: World) -> list[str]:
    """Name the mutators that change a scenario, whose commands have the world's names in them."""
    return [name for name, each in mutators().items() if each.apply(scenario, world) is not scenario]
