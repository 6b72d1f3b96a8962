"""The servers a run starts because its scenario uses them, installed on demand: package registries, sshd."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from capture.lab.install import SERVERS, debian_package, node_modules, python_environment
from capture.lab.internet import git
from capture.lab.keys import private_key, public_key
from capture.lab.layout import Registry, SshHost
from capture.lab.packages import Package, publication, wheel
from capture.lab.scenario import Scenario
from capture.lab.world import World
from workbench.errors import CaptureError

PROVIDED = {"sshd"}
"""Programs a scenario may need that are no matter of what is installed here."""
SYSTEM = "/usr/sbin:/usr/local/sbin"
"""Where an sshd that the system has is looked for."""

_INSIDE = Path("/srv/lib")
_DEPLOY_UID = 1001


class Services(NamedTuple):
    """What to start: registries by the role of their host, ssh hosts; and the binds of their programs."""

    registries: dict[str, Registry]
    ssh_hosts: list[SshHost]
    binds: dict[str, str]


def services(scenario: Scenario, world: World) -> Services:
    """Say which servers a scenario, as it is in this world, uses; installs those that are missing.

    Raises CaptureError when one cannot be installed here.
    """
    found, used = Services({}, [], {}), uses(scenario, world)
    try:
        if "pypi" in used:
            place = _bind(found, python_environment(SERVERS / "pypiserver.lock"), "pypiserver")
            wheels = dict(map(wheel, _packages("pypi", scenario, world)))
            found.registries["pypi"] = Registry(
                server="pypiserver", program=place, token=world.values["pypi_token"], packages=wheels
            )
        if "npm" in used:
            place = _bind(found, node_modules(SERVERS / "verdaccio"), "verdaccio")
            documents = dict(map(publication, _packages("npm", scenario, world)))
            found.registries["npm"] = Registry(
                server="verdaccio", program=place, token=world.values["npm_token"], packages=documents
            )
        if "sshd" in used:
            found.ssh_hosts.extend(_ssh_hosts(world, *_sshd(found)))
    except CaptureError as error:
        raise CaptureError(f"scenario {scenario.name} cannot run: {error.cause}", mend=error.mend) from None
    return found


def uses(scenario: Scenario, world: World) -> set[str]:
    """Name what a scenario, as it is in this world, uses: `pypi`, `npm`, `sshd`.

    A registry when the scenario has packages for it or a step names its host, sshd when it is needed.
    """
    named = {
        role for role in ("pypi", "npm") if any(world.hosts[role].name in step.run for step in scenario.steps)
    }
    return named | {package.registry for package in scenario.packages} | PROVIDED.intersection(scenario.needs)


def _packages(role: str, scenario: Scenario, world: World) -> list[Package]:
    return [
        replace(
            package,
            name=world.fill(package.name),
            files={world.fill(path): world.fill(text) for path, text in package.files.items()},
            scripts={name: world.fill(text) for name, text in package.scripts.items()},
        )
        for package in scenario.packages
        if package.registry == role
    ]


def _bind(found: Services, installed: Path, name: str) -> str:
    found.binds[str(installed)] = str(_INSIDE / name)
    return found.binds[str(installed)]


def _sshd(found: Services) -> tuple[str, str]:
    """Give the path of sshd in the run, and where its libraries are looked for when they are its own."""
    if system := shutil.which("sshd", path=SYSTEM):
        return system, ""
    installed = debian_package("openssh-server")
    place = _bind(found, installed, "openssh-server")
    directories = {file.parent.relative_to(installed) for file in installed.rglob("*.so.*")}
    return f"{place}/usr/sbin/sshd", ":".join(f"{place}/{directory}" for directory in sorted(directories))


def _ssh_hosts(world: World, sshd: str, libraries: str) -> list[SshHost]:
    """Give the code host, where git's user can do nothing else, and the internal one, where the user can."""
    users = {
        "code": ("git", git.UID, str(git.PLACE), str(git.ROOT), git.SHELL),
        "internal": (world.user, _DEPLOY_UID, "/srv/internal", world.home, ""),
    }
    return [
        SshHost(
            name=world.hosts[role].name,
            addresses=world.hosts[role].addresses,
            place=place,
            user=user,
            uid=uid,
            home=home,
            host_key=private_key(world, role),
            authorized_key=public_key(world, "user"),
            sshd=sshd,
            libraries=libraries,
            command=command,
        )
        for role, (user, uid, place, home, command) in users.items()
    ]
