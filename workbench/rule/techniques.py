"""The techniques that rules may name: ids of MITRE ATT&CK and ATLAS, pinned, with names and tactics."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

_FILE = Path(__file__).with_name("techniques.tsv")
_TAG = re.compile(r"(attack\.(?P<attack>t\d{4}(?:\.\d{3})?)|atlas\.(?P<atlas>aml[.-]t\d{4}(?:\.\d{3})?))")


class Technique(NamedTuple):
    """One technique or sub-technique; a sub-technique's name begins with its parent's."""

    id: str
    name: str
    tactics: tuple[str, ...]

    @property
    def url(self) -> str:
        """Where it is described."""
        if self.id.startswith("AML."):
            return f"https://atlas.mitre.org/techniques/{self.id}"
        return f"https://attack.mitre.org/techniques/{self.id.replace('.', '/')}/"


@cache
def techniques() -> dict[str, Technique]:
    """Give id → technique: all of ATT&CK Enterprise, and what of ATLAS concerns agents.

    >>> techniques()["T1552.001"].name, techniques()["AML.T0086"].tactics
    ('Unsecured Credentials: Credentials In Files', ('exfiltration',))
    """
    lines = _FILE.read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines if not line.startswith("#"))
    return {name: Technique(name, title, tuple(tactics.split(","))) for name, title, tactics in rows}


def techniques_of(tags: Iterable[str]) -> list[str]:
    """Give the technique ids among a rule's tags.

    >>> techniques_of(["attack.exfiltration", "attack.t1552.001", "atlas.aml.t0086"])
    ['T1552.001', 'AML.T0086']
    """
    found = (_TAG.fullmatch(tag.lower()) for tag in tags)
    return [(match["attack"] or match["atlas"].replace("-", ".")).upper() for match in found if match]
