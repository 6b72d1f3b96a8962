"""A plan says what can be done: its evasions fit, its runs have names of their own that stay."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from capture.lab.campaign import DIRECTORY, read, runs
from capture.lab.mutate import mutator_for, mutators
from capture.lab.scenario import load, names
from capture.lab.stage import in_world, make_world
from workbench.errors import InputError

PLAN = DIRECTORY / "agent-runs.yml"


def test_every_scenario_and_evasion_is_planned_and_every_evasion_fits() -> None:
    planned = list(runs(read(PLAN)))
    assert {run.scenario for run in planned} == set(names())
    assert {run.mutator for run in planned} == {"", *mutators()}
    assert len({run.name for run in planned}) == len(planned)
    for run in planned:
        if run.mutator:
            scenario, world = load(run.scenario), make_world(load(run.scenario), run.seed)
            played = in_world(scenario, world)
            assert mutator_for(run.mutator).apply(played, world) is not played, run


def test_a_run_keeps_its_name_when_the_plan_grows() -> None:
    plan = read(PLAN)
    grown = replace(plan, rounds=[replace(each, repeat=each.repeat + 1) for each in plan.rounds])
    assert {run.name for run in runs(plan)} < {run.name for run in runs(grown)}


def test_what_is_left_out_is_ordinary_work_of_which_others_stay() -> None:
    plan = read(PLAN)
    planned, every = list(runs(plan)), list(runs(replace(plan, without=[])))
    left_out = [run for run in every if run.name in plan.without]
    assert len(left_out) == len(plan.without) == len(every) - len(planned)
    for run in left_out:
        assert not load(run.scenario).malicious
        assert run.scenario in {other.scenario for other in planned}


def test_an_unknown_scenario_is_named(tmp_path: Path) -> None:
    file = tmp_path / "plan.yml"
    file.write_text("name: x\nrounds: [{of: mutators, agents: [codex], evasions: {delay: [no-such]}}]\n")
    with pytest.raises(InputError, match="no mutator or scenario no-such"):
        read(file)
