"""A world is its seed's, and tells nothing else."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.lab import scenario
from capture.lab.dialogue import Sitting, make_script
from capture.lab.driver import driver_for
from capture.lab.home import furnish
from capture.lab.stage import in_world, make_world
from capture.lab.world import World
from workbench.errors import InputError

DOCUMENTATION = [ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")]


@given(st.integers(0, 2**32))
def test_a_seed_gives_one_world(seed: int) -> None:
    assert World(seed).values == World(seed).values


def test_scenarios_of_one_seed_share_no_session() -> None:
    names = scenario.names()
    assert len({make_world(scenario.load(name), seed=5).session for name in names}) == len(names)


def test_different_seeds_differ_in_every_name() -> None:
    first, second = World(1), World(2)
    same = {name for name, value in first.values.items() if second.values[name] == value}
    assert not same - {"directory", "user", "home"}


@given(st.integers(0, 2**16))
def test_external_hosts_live_on_documentation_addresses(seed: int) -> None:
    world = World(seed)
    for role in "abc":
        address = ipaddress.ip_address(world.add_host(role, "external").address)
        assert any(address in net for net in DOCUMENTATION)
    assert ipaddress.ip_address(world.add_host("d", "internal").address) in ipaddress.ip_network(
        f"{world.subnet}.0/24"
    )


def test_an_unknown_placeholder_is_named() -> None:
    with pytest.raises(InputError, match=r"\{\{nonsense\}\}"):
        World(1).fill("echo {{nonsense}}")


@pytest.mark.parametrize("name", scenario.names())
def test_nothing_a_run_shows_names_the_scenario(name: str) -> None:
    loaded = scenario.load(name)
    world = make_world(loaded, seed=5)
    later = [Sitting(f"s{n}", f"Go on, {n}.", []) for n in range(max(step.session for step in loaded.steps))]
    script = make_script(in_world(loaded, world), driver_for("mini-swe-agent"), world, later)
    turns = [turn for talk in (script.turns, *script.others.values()) for turn in talk]
    shown = " ".join([*world.values.values(), *(f"{turn.id} {turn.arguments} {turn.say}" for turn in turns)])
    for hint in (name, loaded.family or name, "malicious", "canary", "attack", "exfil", "scenario"):
        assert hint not in shown.lower()


def test_homes_hold_the_same_files_whatever_the_scenario() -> None:
    worlds = [make_world(scenario.load(name), seed=3) for name in ("fix-failing-test", "secret-to-egress")]
    homes = [
        {path.replace(world.repository, "repository").removeprefix(world.home) for path in furnish(world)}
        for world in worlds
    ]
    assert homes[0] == homes[1]
