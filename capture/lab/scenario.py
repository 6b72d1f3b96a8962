"""Scenarios: readable files of what an agent is made to do, step by step, and which steps are malicious."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

from capture.lab.packages import Package
from workbench.errors import InputError, Place
from workbench.yaml_text import read_yaml

DIRECTORY = Path(__file__).parent / "scenarios"


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One tool call: a shell command, or an MCP tool with its arguments.

    `payload` narrows a malicious step to the processes whose arguments contain it, such as the install
    script that an otherwise ordinary package installation starts; wherever in the run such a process is
    started, it belongs to the step. `reaches` narrows it to what the harness's own process exchanges, all
    through the run, with the hosts of these roles; once in a world it holds their addresses. `beside` is a
    command that the user's machine starts when the run begins, outside every session; of a malicious step it
    and what descends from it are the malicious part. The model thinks for `pause` seconds before it says the
    step, in the run's session number `session`; with `subagent` it hands it to one.
    """

    name: str
    run: str = ""
    tool: str = ""
    arguments: dict[str, Any] = {}
    say: str = ""
    malicious: bool = False
    payload: str = ""
    reaches: list[str] = []
    beside: str = ""
    pause: int = 0
    session: int = 0
    subagent: bool = False
    techniques: list[str] = []

    @property
    def partial(self) -> bool:
        """Whether only a part of what happens is malicious, and not the command."""
        return bool(self.payload or self.reaches or self.beside)


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `scenarios/<name>.yml` holds; texts may use `{{placeholders}}` of the run's world.

    `family` joins a malicious scenario and its twin; `parameters` offer values of which each run draws one;
    `hosts` gives each host the steps talk to its kind, `pages` what its web server answers, `wildcards` those
    below whose name every name exists, `relays` those that pass what they are asked on to the model;
    `packages` are for sale in the run's registries; `files` are put in place, `servers` are MCP servers by
    their script, `prepare` is run before the recording; `needs` lists programs without which it cannot run;
    `programs` are stand-ins of `programs/`, put into the user's path; `hour` is the hour of
    the day (UTC) at which it shall seem to have taken place.
    """

    name: str
    title: str
    description: str
    task: list[str]
    steps: list[Step]
    family: str = ""
    twin_of: str = ""
    references: list[str] = []
    repository: str = "python-library"
    parameters: dict[str, list[str]] = {}
    hosts: dict[str, str] = {}
    servers: dict[str, str] = {}
    files: dict[str, str] = {}
    pages: dict[str, dict[str, str]] = {}
    packages: list[Package] = []
    wildcards: list[str] = []
    relays: list[str] = []
    prepare: list[str] = []
    needs: list[str] = []
    programs: list[str] = []
    hour: int | None = None

    @property
    def malicious(self) -> bool:
        """Whether any step is malicious."""
        return any(step.malicious for step in self.steps)

    @property
    def techniques(self) -> list[str]:
        """ATT&CK and ATLAS ids of its malicious steps, sorted."""
        return sorted({technique for step in self.steps for technique in step.techniques})


def names() -> list[str]:
    """Give the names of all scenarios, sorted."""
    return sorted(file.stem for file in DIRECTORY.glob("*.yml"))


@cache
def load(name: str) -> Scenario:
    """Load a scenario by its name; raises InputError when there is none or its file is at fault."""
    file = DIRECTORY / f"{name}.yml"
    if name not in names():
        raise InputError(f"no scenario {name!r}", mend="choose one of `workbench scenario list`")
    return read(file)


def read(file: Path) -> Scenario:
    """Read a scenario file; raises InputError naming the file and, where known, the line."""
    try:
        raw = read_yaml(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", place=file) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = Place(str(file), mark.line + 1, mark.column + 1) if mark else Place(str(file))
        raise InputError("not YAML", place=place, mend="check indentation and quotes") from None
    try:
        scenario = msgspec.convert(raw, Scenario)
    except msgspec.ValidationError as error:
        raise InputError(f"not a scenario: {error}", place=file, mend="see docs/scenarios.md") from None
    for problem in problems(scenario):
        raise InputError(problem, place=file, mend="see docs/scenarios.md")
    return scenario


def problems(scenario: Scenario) -> Iterator[str]:
    """Give what is wrong with a scenario that is well-formed."""
    seen: set[str] = set()
    for step in scenario.steps:
        if step.name in seen:
            yield f"two steps are named {step.name!r}"
        seen.add(step.name)
        if bool(step.run) == bool(step.tool):
            yield f"step {step.name!r} wants either run or tool"
        if step.malicious and not step.techniques:
            yield f"malicious step {step.name!r} names no technique"
        if step.payload and not step.malicious:
            yield f"step {step.name!r} has a payload but is not malicious"
        if step.reaches and not step.malicious:
            yield f"step {step.name!r} reaches a host but is not malicious"
    sessions = [step.session for step in scenario.steps]
    if sessions != sorted(sessions) or len(set(sessions)) != max(sessions, default=0) + 1:
        yield "sessions are not numbered 0, 1 … in the order of the steps"
    if scenario.twin_of and scenario.malicious:
        yield "a benign twin holds a malicious step"
