"""What a run's namespaces hold, as plain data that process 1 of the run is told."""

from __future__ import annotations

import msgspec


class Registry(msgspec.Struct, frozen=True, kw_only=True):
    """A package registry: `server` is `pypiserver` or `verdaccio`, installed at `program` of the run.

    `packages` maps a wheel's file name to its content, or an npm package's name to its publication.
    """

    server: str
    program: str
    token: str
    packages: dict[str, bytes]


class SshHost(msgspec.Struct, frozen=True, kw_only=True):
    """A host that one user can log in to with one key; its own file system is below `place`.

    `home` is the user's, below /home or `place`; `command` is all that the user may do, when not empty.
    """

    name: str
    addresses: list[str]
    place: str
    user: str
    uid: int
    home: str
    host_key: str
    authorized_key: str
    sshd: str
    libraries: str = ""
    command: str = ""


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """A host of the small internet; `pages` maps a path to what its web server answers.

    Anything else, `relays_to` answers, the host and port of another web server, when it is not empty.
    """

    addresses: list[str]
    kind: str
    pages: dict[str, bytes] = {}
    registry: Registry | None = None
    relays_to: str = ""


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """What a run's namespaces hold.

    `files` maps a path to its text and octal mode, `binds` a source to its place, `etc` a name below /etc to
    its text, `zone` a host's name to its addresses.
    """

    subnet: str
    hostname: str
    files: dict[str, tuple[str, str]]
    binds: dict[str, str]
    etc: dict[str, str]
    zone: dict[str, list[str]]
    sites: list[Site]
    certificate: str
    subnet6: str
    repositories: list[str] = []
    wildcards: list[str] = []
    ssh_hosts: list[SshHost] = []
