"""What agents do between the steps that matter: looking around, checking, running tests."""

from __future__ import annotations

from pathlib import Path

import yaml

from capture.lab.world import World

_HABITS: dict[str, list[str]] = yaml.safe_load((Path(__file__).parent / "habits.yml").read_text())
_BETWEEN = 0.25


def interleave(steps: int, language: str, world: World) -> list[str | int]:
    """Give the order of a run: the numbers of its steps, with the commands of drawn habits in between."""
    draw = world.random
    pool = [*_HABITS["any"], *_HABITS.get(language, []), *_HABITS.get(language, [])]

    def habits(most: int) -> list[str]:
        return [world.fill(draw.choice(pool)) for _ in range(draw.randint(0, most))]

    order: list[str | int] = [*habits(4)]
    for number in range(steps):
        order.append(number)
        if number + 1 < steps and draw.random() < _BETWEEN:
            order += habits(2)
    return order + habits(2)
