"""Mutators change malicious steps and nothing else, and every one fits something."""

from __future__ import annotations

import subprocess

import pytest

from capture.lab import scenario
from capture.lab.mutate import fitting, mutator_for, mutators
from capture.lab.stage import in_world, make_world
from workbench.errors import InputError


def test_every_mutator_fits_a_scenario_and_only_who_does_it_changes_in_benign_work() -> None:
    fits: set[str] = set()
    for name in scenario.names():
        loaded = scenario.load(name)
        world = make_world(loaded, seed=2)
        found = fitting(in_world(loaded, world), world)
        assert loaded.malicious or all(mutators()[mutator].split for mutator in found)
        fits.update(found)
    assert fits == set(mutators())


@pytest.mark.parametrize("name", mutators())
@pytest.mark.parametrize("of", ["secret-to-egress", "memory-poison", "archive-stage-upload"])
def test_what_a_mutator_writes_is_still_shell(of: str, name: str) -> None:
    loaded = scenario.load(of)
    world = make_world(loaded, seed=6)
    before = in_world(loaded, world)
    after = mutator_for(name).apply(before, world)
    for old, new in zip(before.steps, after.steps, strict=True):
        assert (old.name, old.malicious, old.techniques) == (new.name, new.malicious, new.techniques)
        assert old.malicious or old.run == new.run
        check = subprocess.run(["sh", "-n", "-c", new.run], capture_output=True, text=True, check=False)
        assert check.returncode == 0, check.stderr


def test_an_unknown_mutator_is_refused() -> None:
    with pytest.raises(InputError, match="no mutator 'nope'"):
        mutator_for("nope")
