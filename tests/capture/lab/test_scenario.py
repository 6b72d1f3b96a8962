"""Every scenario file is whole, and faults in one are told with their place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from capture.lab import scenario
from capture.lab.repository import repository
from capture.lab.stage import in_world, make_world
from workbench.cli import run
from workbench.errors import InputError

NAMES = scenario.names()


@pytest.mark.parametrize("name", NAMES)
def test_a_scenario_is_called_as_its_file_and_fills(name: str) -> None:
    loaded = scenario.load(name)
    assert loaded.name == name
    world = make_world(loaded, seed=1)
    for step in in_world(loaded, world).steps:
        assert "{{" not in step.run + step.beside
    assert {*loaded.relays, *loaded.wildcards} <= world.hosts.keys()
    assert repository(loaded.repository, world)


@pytest.mark.parametrize("name", [name for name in NAMES if scenario.load(name).malicious])
def test_a_malicious_scenario_has_a_benign_twin_of_its_family(name: str) -> None:
    twins = [scenario.load(other) for other in NAMES if scenario.load(other).twin_of == name]
    assert twins
    assert all(not twin.malicious and twin.family == scenario.load(name).family for twin in twins)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: ]", r":1:\d+: not YAML"),
        ("name: x\n", "not a scenario"),
        (
            "name: x\ntitle: t\ndescription: d\ntask: [t]\nsteps: [{name: a, run: ls}, {name: a, run: ls}]\n",
            "two steps are named 'a'",
        ),
        (
            "name: x\ntitle: t\ndescription: d\ntask: [t]\nsteps: [{name: a, run: ls, malicious: true}]\n",
            "names no technique",
        ),
        (
            "name: x\ntitle: t\ndescription: d\ntask: [t]\nsteps: [{name: a}]\n",
            "wants either run or tool",
        ),
        (
            "name: x\ntitle: t\ndescription: d\ntask: [t]\nsteps: [{name: a, run: ls, reaches: [drop]}]\n",
            "reaches a host but is not malicious",
        ),
    ],
)
def test_a_fault_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "x.yml"
    file.write_text(text)
    with pytest.raises(InputError, match=told) as error:
        scenario.read(file)
    assert str(file) in str(error.value)


def test_an_unknown_scenario_is_refused() -> None:
    with pytest.raises(InputError, match="no scenario 'nope'"):
        scenario.load("nope")


def test_names_are_listed_whole_in_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    assert run(["scenario", "list"]) == 0
    listed = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    assert max(map(len, listed.splitlines())) <= 80
    assert [name for name in NAMES if name not in listed.split()] == []
