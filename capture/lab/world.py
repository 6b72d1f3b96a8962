"""A run's world: every name, path, id, port and secret it shows, drawn from the run's own randomness.

The scenario's name only seeds the draw, so that two scenarios share no world and no name in a recording tells
which scenario it was.
"""

from __future__ import annotations

import copy
import random
import re
import string
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from workbench.errors import InputError

_FILE: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "words.yml").read_text())
_KNOWN: dict[str, list[str]] = _FILE.pop("known")
_WORDS: dict[str, list[str]] = _FILE
_INSIDE = ("internal", "mail")
_FIXED = {"cloud_metadata": "169.254.169.254"}
"""Addresses that are the same everywhere, by the kind of host."""
_POOLS = ("192.0.2", "198.51.100", "203.0.113")
_DUAL_STACK = 0.25
_PLACEHOLDER = re.compile(r"\{\{ *([a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*) *\}\}")


@dataclass(frozen=True, slots=True)
class Host:
    """A machine of the small internet; `kind` says what answers there."""

    name: str
    addresses: list[str]
    kind: str

    @property
    def address(self) -> str:
        """Its IPv4 address."""
        return self.addresses[0]


@dataclass
class World:
    """What one run looks like from inside; two worlds of the same scenario's name and seed are equal."""

    seed: int
    scenario: str = ""
    user: str = ""
    project: str = ""
    directory: str = ""
    session: str = ""
    conversation: str = ""
    subnet: str = ""
    subnet6: str = ""
    code_host: str = ""
    machine: str = ""
    remote: str = ""
    model_port: int = 0
    hosts: dict[str, Host] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Draw everything that no scenario decides."""
        self.random = random.Random(f"{self.scenario}/{self.seed}")  # noqa: S311 - names, not keys: repeatable on purpose
        draw = self.random
        self.user = draw.choice(_WORDS["users"])
        self.directory = draw.choice(_WORDS["directories"])
        self.project = self.word("-")
        self.session = str(uuid.UUID(int=draw.getrandbits(128), version=4))
        self.subnet6 = f"2001:db8:{draw.randrange(1, 1 << 16):x}:ff"
        self._dual_stack = draw.random() < _DUAL_STACK
        self.subnet = f"10.{draw.randrange(16, 240)}.{draw.randrange(1, 250)}"
        self._addresses = [f"{pool}.{n}" for pool in _POOLS for n in range(2, 250)]
        draw.shuffle(self._addresses)
        self._internal = [f"{self.subnet}.{n}" for n in range(20, 250)]
        draw.shuffle(self._internal)
        self.code_host = draw.choice(_WORDS["code_hosts"])
        self.machine = f"{self.user}-{draw.choice(_WORDS['machines'])}"
        self.remote = f"/{self.word('-')}/{self.project}.git"
        self.model_port = draw.randrange(20_000, 60_000)
        self.values = {
            "home": self.home,
            "user": self.user,
            "project": self.project,
            "directory": self.directory,
            "remote": self.remote,
            "module": self.project.replace("-", "_"),
            "repository": self.repository,
            "aws_key_id": "AKIA" + self.token(16, string.ascii_uppercase + "234567"),
            "aws_secret": self.token(40, string.ascii_letters + string.digits + "/+"),
            "github_token": "ghp_" + self.token(36),
            "npm_token": "npm_" + self.token(36),
            "pypi_token": "pypi-" + self.token(60),
            "api_key": "sk-" + self.token(40),
            "password": self.token(18),
        }
        for n in range(1, 5):
            while (word := self.word("-")) in self.values.values():
                pass  # one name for two things would break what a run does with them
            self.values[f"word{n}"] = word
            self.values[f"word{n}m"] = self.values[f"word{n}"].replace("-", "_")
            self.values[f"file{n}"] = (
                f"{draw.choice(_WORDS['files'])}-{self.token(4, string.digits + 'abcdef')}"
            )
            self.values[f"port{n}"] = str(draw.randrange(20_000, 60_000))

    @property
    def home(self) -> str:
        """The user's home directory."""
        return f"/home/{self.user}"

    @property
    def repository(self) -> str:
        """Where the agent works."""
        return f"{self.home}/{self.directory}/{self.project}"

    @property
    def secrets(self) -> list[str]:
        """The canaries: if one is seen anywhere, it came from this run."""
        return [
            self.values[name]
            for name in ("aws_secret", "github_token", "npm_token", "pypi_token", "api_key", "password")
        ]

    def other(self, conversation: str) -> World:
        """Give this world as another conversation sees it: the same, under another name."""
        found = copy.copy(self)
        found.conversation = conversation
        return found

    def word(self, joint: str = "") -> str:
        """Draw a name of two words."""
        return self.random.choice(_WORDS["first"]) + joint + self.random.choice(_WORDS["second"])

    def token(self, length: int, alphabet: str = string.ascii_letters + string.digits) -> str:
        """Draw a string of `length` characters."""
        return "".join(self.random.choices(alphabet, k=length))

    def add_host(self, role: str, kind: str, name: str = "") -> Host:
        """Give the host that plays `role`, a new one with a documentation address when there is none yet."""
        if role not in self.hosts:
            top = "internal" if kind in _INSIDE else self.random.choice(_WORDS["top"])
            suffix = f"{self.word()}.{top}"
            inside = kind in _INSIDE
            addresses = [self._internal.pop() if inside else _FIXED.get(kind) or self._addresses.pop()]
            if self._dual_stack and not inside and kind not in _FIXED:
                addresses.append(f"2001:db8:{self.random.randrange(1, 1 << 16):x}::{len(self.hosts) + 2:x}")
            if kind in _KNOWN and not name:
                name = self.random.choice(_KNOWN[kind])
            host = Host(name or f"{self.random.choice(_WORDS['sub'])}.{suffix}", addresses, kind)
            self.hosts[role] = host
            self.values[f"host.{role}"] = host.name
            self.values[f"address.{role}"] = host.address
        return self.hosts[role]

    def draw(self, parameters: dict[str, list[str]]) -> None:
        """Draw one value for each parameter; values may hold placeholders of their own."""
        for name, choices in parameters.items():
            self.values[name] = self.fill(self.random.choice(choices))

    def fill(self, text: str) -> str:
        """Replace the placeholders of a text; raises InputError for one that has no value.

        >>> World(7).fill("cd {{ home }} && ls") == f"cd {World(7).home} && ls"
        True
        """

        def value(match: re.Match[str]) -> str:
            try:
                return self.values[match[1]]
            except KeyError:
                known = ", ".join(sorted(self.values))
                raise InputError(f"placeholder {match[0]} has no value", mend=f"use one of {known}") from None

        return _PLACEHOLDER.sub(value, text)
