"""A campaign: many scenarios, harnesses and evasions recorded by a plan, resumable where it was stopped."""

from __future__ import annotations

import hashlib
import itertools
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
import yaml

from capture.lab.driver import DRIVERS
from capture.lab.mutate import mutators
from capture.lab.scenario import load, names
from workbench.dataset.recording import Recording
from workbench.dataset.thin import thin
from workbench.errors import InputError
from workbench.yaml_text import read_yaml

DIRECTORY = Path(__file__).parent / "campaigns"
_LIMIT_S = 1200
_WORKBENCH = str(Path(sys.executable).with_name("workbench"))


class Round(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Scenarios of one kind, each run `repeat` times, the agents taking turns.

    `pairs` are malicious scenarios and their twins, `tasks` ordinary work, `mutators` the evasions of
    `evasions`, each over the scenarios named there.
    """

    of: Literal["pairs", "tasks", "mutators"]
    agents: list[str]
    repeat: int = 1
    evasions: dict[str, list[str]] = {}


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `campaigns/<name>.yml` holds; runs whose names are in `without` are not made."""

    name: str
    rounds: list[Round]
    fallback: list[str] = []
    without: list[str] = []


class Run(NamedTuple):
    """One recording to be made: with the first of `agents` that can."""

    scenario: str
    agents: tuple[str, ...]
    mutator: str
    seed: int

    @property
    def name(self) -> str:
        """A name that tells nothing of what is in it, and stays when the plan grows.

        >>> Run("fix-failing-test", ("codex",), "", 3).name
        'run-f776cc08'
        """
        text = f"{self.scenario}/{self.mutator}/{self.seed}"
        return f"run-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def read(file: Path) -> Plan:
    """Read a plan; raises InputError naming the file."""
    try:
        plan = msgspec.convert(read_yaml(file.read_text(encoding="utf-8")), Plan)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, msgspec.ValidationError) as error:
        raise InputError(f"not a plan: {error}", place=file, mend="see docs/scenarios.md") from None
    if unknown := {a for part in plan.rounds for a in part.agents} - set(DRIVERS):
        raise InputError(
            f"no driver for {', '.join(sorted(unknown))}", place=file, mend=f"use {', '.join(DRIVERS)}"
        )
    evasions = {name: chosen for part in plan.rounds for name, chosen in part.evasions.items()}
    if strange := [*(set(evasions) - set(mutators())), *(set().union(*evasions.values()) - set(names()))]:
        raise InputError(
            f"no mutator or scenario {', '.join(sorted(strange))}",
            place=file,
            mend="see `workbench scenario list` and docs/scenarios.md",
        )
    return plan


def runs(plan: Plan) -> Iterator[Run]:
    """Give the runs of a plan in the order they are made; the same plan gives the same."""
    for number, part in enumerate(plan.rounds):
        turns = itertools.cycle(part.agents)
        for scenario, mutator, seed in _items(part, 1000 * (number + 1)):
            agents = (next(turns), *part.agents, *plan.fallback)
            run = Run(scenario, tuple(dict.fromkeys(agents)), mutator, seed)
            if run.name not in plan.without:
                yield run


def _items(part: Round, seed: int) -> Iterator[tuple[str, str, int]]:
    if part.of == "mutators":
        for number, (mutator, chosen) in enumerate(part.evasions.items()):
            for name in chosen:
                yield name, mutator, seed + number
        return
    scenarios = [load(name) for name in names()]
    for again in range(part.repeat):
        for each in scenarios:
            if (each.malicious or bool(each.twin_of)) == (part.of == "pairs"):
                yield each.name, "", seed + again


def record(
    planned: Iterable[Run],
    out: Path,
    *,
    jobs: int = 2,
    told: Callable[[Run, str], object] = lambda run, how: None,
) -> list[tuple[Run, str]]:
    """Make every planned recording that `out` does not hold yet, `jobs` at a time; give what failed.

    Each is made by a process of its own, whose end cannot touch the others, and thinned of library reads.
    `told` hears of each run when it is done: "made", "there" or why not.
    """
    failed: list[tuple[Run, str]] = []
    out.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(jobs) as pool:
        pending = {pool.submit(_make, run, out): run for run in planned}
        try:
            for done in as_completed(pending):
                run, how = pending[done], done.result()
                told(run, how)
                if how not in ("made", "there"):
                    failed.append((run, how))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return failed


def _make(run: Run, out: Path) -> str:
    target = out / run.name
    if target.exists():
        return "there"
    whole = out / f".{run.name}.whole"
    reasons: list[str] = []
    for agent in run.agents:
        shutil.rmtree(whole, ignore_errors=True)  # what a killed campaign left
        command = [_WORKBENCH, "scenario", "run", run.scenario]
        command += [f"--agent={agent}", f"--seed={run.seed}", f"--mutator={run.mutator}", f"--out={whole}"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT_S, check=False)
        except subprocess.TimeoutExpired:
            reasons.append(f"{agent}: not done within {_LIMIT_S} s")
            continue
        if done.returncode:
            said = done.stderr.strip().splitlines()
            reasons.append(f"{agent}: {said[-1] if said else f'ended with {done.returncode}'}")
            continue
        thin(Recording.open(whole), target)
        shutil.rmtree(whole)
        return "made"
    return "; ".join(reasons)
