"""Sets the stage of a run: draws its world, lays out its namespaces, says how the harness is started."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace

from capture import hook
from capture.lab.dialogue import Sitting, chained, make_script, sittings
from capture.lab.driver.base import Driver, Launch, Servers
from capture.lab.home import Files, expand, furnish
from capture.lab.install import HARNESSES, python_environment
from capture.lab.internet import tls
from capture.lab.layout import Layout, Site
from capture.lab.mutate import Mutator, fitting
from capture.lab.namespace import UID, Namespace, why_not
from capture.lab.repository import repository
from capture.lab.scenario import Scenario
from capture.lab.services import PROVIDED, Services, services
from capture.lab.world import World
from workbench.errors import CaptureError, InputError

PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
"""Where programs are looked for inside a run."""

_STANDING_HOSTS = {
    "code": "code_host",
    "pypi": "package_registry",
    "npm": "package_registry",
    "mail": "mail",
    "internal": "internal",
    "store": "external",
}
"""Hosts of every run, whatever its scenario: role → kind."""

_PROGRAMS = Path(__file__).parent / "programs"
_HOOK = Path(hook.__file__)
_MCP = ".local/share/uv/tools/mcp"
_TRUST = "/etc/ssl/certs/ca-certificates.crt"


class Stage(NamedTuple):
    """A run, all set up and not yet started; `scenario` as it is in `world`, `held` its sessions."""

    scenario: Scenario
    world: World
    launch: Launch
    namespace: Namespace
    held: list[Sitting]


def _servers(scenario: Scenario, world: World) -> Servers:
    python = f"{world.home}/{_MCP}/bin/python"
    return {name: [python, f"{world.repository}/{path}"] for name, path in scenario.servers.items()}


@contextmanager
def stage(scenario: Scenario, driver: Driver, seed: int, mutator: Mutator | None = None) -> Iterator[Stage]:
    """Set a run up, and clear it away afterwards.

    Raises CaptureError when the scenario or the harness cannot run here, InputError when the mutator does not
    fit the scenario.
    """
    if reason := why_not():
        raise CaptureError(f"scenario {scenario.name} cannot run: {reason}", mend="run as root on Linux")
    programs = [program for program in scenario.needs if program not in PROVIDED]
    if missing := [program for program in programs if shutil.which(program, path=PATH) is None]:
        raise CaptureError(f"scenario {scenario.name} needs {', '.join(missing)}", mend="install it")
    world = make_world(scenario, seed)
    scenario = in_world(scenario, world)
    if mutator is not None:
        unchanged, scenario = scenario, mutator.apply(scenario, world)
        if scenario is unchanged:
            raise InputError(
                f"mutator {mutator.name} does not fit scenario {scenario.name}",
                mend=f"use one of {', '.join(fitting(scenario, world)) or 'another scenario'}",
            )
    task = world.fill(world.random.choice(scenario.task))
    servers = _servers(scenario, world)
    launch = driver.launch(world, task, servers)
    held = sittings(Sitting(world.session, task, launch.command), scenario, driver, world, servers)
    launch = replace(launch, command=chained(held, [step.beside for step in scenario.steps if step.beside]))
    if scenario.servers:
        mcp = python_environment(HARNESSES / "mcp.lock")
        launch = replace(launch, binds=launch.binds | {str(mcp): f"{world.home}/{_MCP}"})
    used = services(scenario, world)
    script = make_script(scenario, driver, world, held[1:])
    with Namespace(make_layout(scenario, world, launch, used), script) as namespace:
        launch = replace(launch, environment=_environment(world) | launch.environment)
        _prepare(scenario, world, launch, namespace)
        yield Stage(scenario, world, launch, namespace, held)


def make_world(scenario: Scenario, seed: int) -> World:
    """Draw the world of a run: hosts first, then the scenario's parameters, which may name them."""
    world = World(seed, scenario.name)
    named = {"code": world.code_host, "pypi": "pypi.org", "npm": "registry.npmjs.org"}
    for role, kind in (_STANDING_HOSTS | scenario.hosts).items():
        world.add_host(role, kind, named.get(role, ""))
    world.draw(scenario.parameters)
    return world


def in_world(scenario: Scenario, world: World) -> Scenario:
    """Give the scenario with its steps as they are called in this world."""
    steps = [
        replace(
            step,
            run=world.fill(step.run),
            say=world.fill(step.say),
            payload=world.fill(step.payload),
            beside=world.fill(step.beside),
            reaches=[address for role in step.reaches for address in world.hosts[role].addresses],
            arguments=_fill(step.arguments, world),
        )
        for step in scenario.steps
    ]
    return replace(scenario, steps=steps)


def _fill(arguments: dict[str, Any], world: World) -> dict[str, Any]:
    return {key: world.fill(value) if isinstance(value, str) else value for key, value in arguments.items()}


def make_layout(scenario: Scenario, world: World, launch: Launch, used: Services) -> Layout:
    """Lay out the run: the home, the repository, the harness, names, addresses and what answers there."""
    hosts = world.hosts.values()
    authority, server = tls.issue(
        [host.name for host in hosts], [address for host in hosts for address in host.addresses]
    )
    texts = {
        "resolv.conf": f"nameserver {world.subnet}.1\noptions timeout:3 attempts:2\n",
        "hosts": f"127.0.0.1 localhost\n::1 localhost\n{world.subnet}.10 {world.machine}\n",
        "passwd": f"root:x:0:0:root:/root:/bin/bash\n{world.user}:x:{UID}:{UID}::{world.home}:/bin/bash\n",
        "group": f"root:x:0:\n{world.user}:x:{UID}:\n",
        "ssl/certs/ca-certificates.crt": authority,
    }
    return Layout(
        subnet=world.subnet,
        subnet6=world.subnet6,
        hostname=world.machine,
        files=furnish(world)
        | repository(scenario.repository, world)
        | _files(scenario, world)
        | launch.files,
        etc=texts,
        binds=launch.binds | used.binds,
        zone={host.name: host.addresses for host in hosts},
        wildcards=[world.hosts[role].name for role in scenario.wildcards],
        sites=_sites(scenario, world, used),
        ssh_hosts=used.ssh_hosts,
        certificate=server,
        repositories=[world.remote],
    )


def _files(scenario: Scenario, world: World) -> Files:
    files: Files = {}
    for name in scenario.programs:
        files[f"{world.home}/.local/bin/{name}"] = ((_PROGRAMS / name).read_text(), "755")
    if scenario.programs:
        files[f"{world.home}/.local/lib/workbench/hook.py"] = (_HOOK.read_text(), "644")
    for path, text in scenario.files.items():
        filled = world.fill(text)
        files[expand(path, world)] = (filled, "755" if filled.startswith("#!") else "644")
    return files


def _sites(scenario: Scenario, world: World, used: Services) -> list[Site]:
    pages: dict[str, dict[str, bytes]] = {role: {} for role in world.hosts}
    pages["npm"]["/-/npm/v1/security/advisories/bulk"] = b"{}"  # verdaccio asks npm's own registry for them
    for role, texts in scenario.pages.items():
        pages[role] |= {world.fill(path): world.fill(text).encode() for path, text in texts.items()}
    return [
        Site(
            addresses=host.addresses,
            kind=host.kind,
            pages=pages[role],
            registry=used.registries.get(role),
            relays_to=f"{world.subnet}.10:{world.model_port}" if role in scenario.relays else "",
        )
        for role, host in world.hosts.items()
    ]


def _environment(world: World) -> dict[str, str]:
    return {
        "HOME": world.home,
        "USER": world.user,
        "LOGNAME": world.user,
        "SHELL": "/bin/bash",
        "PATH": f"{world.home}/.local/bin:{PATH}",
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "SSL_CERT_FILE": _TRUST,
        "REQUESTS_CA_BUNDLE": _TRUST,
        "NODE_EXTRA_CA_CERTS": _TRUST,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        # Install scripts run by themselves, as npm did until it learnt to ask.
        "NPM_CONFIG_DANGEROUSLY_ALLOW_ALL_SCRIPTS": "true",
        "NPM_CONFIG_UPDATE_NOTIFIER": "false",
    }


def _prepare(scenario: Scenario, world: World, launch: Launch, namespace: Namespace) -> None:
    """Begin the repository's history, push it, and run what the scenario needs done before the recording."""
    origin = f"https://{world.hosts['code'].name}{world.remote}"
    # In the repository too: gemini-cli hides the user's own settings from the git it runs.
    identity = (
        f"git config user.name {world.user} && git config user.email {world.user}@{world.hosts['mail'].name}"
    )
    commands = [
        f"git init -q && {identity} && git add -A && git commit -q -m 'Start'",
        f"git remote add origin {origin} && git push -q -u origin main",
        *map(world.fill, scenario.prepare),
    ]
    for command in commands:
        namespace.run(["bash", "-c", command], world.repository, launch.environment)
