"""What drift looks at: categorical features of one event, and running volumes of one session.

Baselines learn these features in a notebook and the scorer compares against them on the host; both use this
file, so that they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from math import log1p
from pathlib import PurePosixPath
from typing import Any

import re2

from workbench.event import Value, integer

# Names that differ from run to run say nothing about behaviour: homes, temporary directories, ids, numbers.
_VOLATILE = (
    (re2.compile(r"^(?:/home/[^/]+|/root|/Users/[^/]+)"), "~"),
    (re2.compile(r"^(/tmp|/var/tmp|/dev/shm|/private/tmp)/.*?([^/]*)$"), r"\1/*/\2"),
    (re2.compile(r"^/proc/[^/]+"), "/proc/*"),
    (re2.compile(r"[0-9a-fA-F]{8,}(?:-[0-9a-fA-F]{4,})*"), "*"),
    (re2.compile(r"[0-9]+"), "#"),
)
_MAX_PATH = 512
_EPHEMERAL = 32_768  # Linux's default net.ipv4.ip_local_port_range begins here


@lru_cache(maxsize=8_192)
def general_path(path: str, workdir: str = "") -> str:
    """Strip from a path what differs from run to run; the session's directory becomes `<repo>`.

    >>> general_path("/home/ada/src/app/x.py", "/home/ada/src/app"), general_path("/home/ada/.ssh/id_rsa")
    ('<repo>/x.py', '~/.ssh/id_rsa')
    >>> general_path("/tmp/tmpab12/out.tgz"), general_path("/proc/4711/environ")
    ('/tmp/*/out.tgz', '/proc/*/environ')
    """
    path = path[:_MAX_PATH]
    if len(workdir) > 1 and (path == workdir or path.startswith(workdir + "/")):
        return "<repo>" + path[len(workdir) :]
    for pattern, replacement in _VOLATILE:
        path = pattern.sub(replacement, path)
    return path


@lru_cache(maxsize=8_192)
def _directory(path: str, workdir: str) -> str:
    parts = general_path(path, workdir).split("/")[:-1]
    return "/".join(parts[:4]) or "/"


@lru_cache(maxsize=8_192)
def _file_kind(path: str) -> str:
    name = PurePosixPath(path[:_MAX_PATH]).name
    kind = PurePosixPath(name).suffix.lower() or (name if name.startswith(".") else "none")
    return general_path(kind)


def _name(path: Value | None) -> str:
    return str(path).rpartition("/")[2] if path else "?"


def _executable(event: Mapping[str, Value], workdir: str) -> str | None:
    path = event.get("process.executable")
    return general_path(str(path), workdir) if path else None


def _lineage(event: Mapping[str, Value], workdir: str) -> str | None:
    return f"{_name(event.get('process.parent.executable'))}>{_name(event.get('process.executable'))}"


def _tool(event: Mapping[str, Value], workdir: str) -> str | None:
    tool = event.get("gen_ai.tool.name")
    return f"{tool}>{_name(event.get('process.executable'))}" if tool else None


def _path_directory(event: Mapping[str, Value], workdir: str) -> str | None:
    path = event.get("file.path")
    return _directory(str(path), workdir) if path and event.get("file.type", "file") == "file" else None


def _path_kind(event: Mapping[str, Value], workdir: str) -> str | None:
    path = event.get("file.path")
    return _file_kind(str(path)) if path and event.get("file.type", "file") == "file" else None


def _destination(event: Mapping[str, Value], workdir: str) -> str | None:
    if event.get("destination.class") == "loopback":
        return "loopback"
    where = event.get("destination.domain") or event.get("destination.ip")
    if where is None:
        return None
    port = event.get("destination.port", 0)
    return f"{where}:{'ephemeral' if isinstance(port, int) and port >= _EPHEMERAL else port}".lower()


def _destination_class(event: Mapping[str, Value], workdir: str) -> str | None:
    found = event.get("destination.class")
    return str(found) if found else None


def _hour(event: Mapping[str, Value], workdir: str) -> str | None:
    return str(integer(event, "@timestamp") // 3_600_000_000_000 % 24)


Extractor = Callable[[Mapping[str, Value], str], str | None]

_FILE: tuple[tuple[str, Extractor], ...] = (("directory", _path_directory), ("file_kind", _path_kind))
FEATURES: dict[tuple[str, str], tuple[tuple[str, Extractor], ...]] = {
    ("process", "exec"): (("executable", _executable), ("lineage", _lineage), ("tool", _tool)),
    ("file", "open"): _FILE,
    ("file", "create"): _FILE,
    ("file", "rename"): _FILE,
    ("file", "delete"): _FILE,
    ("network", "connect"): (("destination", _destination), ("destination_class", _destination_class)),
    ("agent", "session_start"): (("hour", _hour),),
}
"""(category, action) → the categorical features of such an event, each with its extractor."""

CATEGORICAL = tuple(dict.fromkeys(name for features in FEATURES.values() for name, _ in features))

OF_THE_AGENT = frozenset({"executable", "lineage", "tool", "directory"})
"""Features that an agent's own programs cause, and its upgrade may change; its user causes the others."""


class Volumes:
    """Running volumes of one session, as logarithms scaled to [0, 1]; constant time per event."""

    NAMES = ("execs", "reads", "writes", "deletes", "connects", "bytes_out", "fan_out", "risk")
    # A volume at its ceiling counts as 1; chosen above what a long working day of an agent reaches.
    CEILINGS: Mapping[str, float] = {
        "execs": 1e5,
        "reads": 1e6,
        "writes": 1e6,
        "deletes": 1e5,
        "connects": 1e5,
        "bytes_out": 1e10,
        "fan_out": 1e3,
        "risk": 1e4,
    }
    _COUNTED: Mapping[tuple[Value, Value], str] = {
        ("process", "exec"): "execs",
        ("file", "open"): "reads",
        ("file", "write"): "writes",
        ("file", "create"): "writes",
        ("file", "delete"): "deletes",
        ("network", "connect"): "connects",
    }
    _MAX_DESTINATIONS = 1_024
    _RISKY = 50

    def __init__(self) -> None:
        self.counts: dict[str, int] = dict.fromkeys(self.NAMES, 0)
        self.destinations: set[str] = set()

    def learn(self, event: Mapping[str, Value]) -> None:
        """Count one event of the session."""
        key = (event["event.category"], event["event.action"])
        name = self._COUNTED.get(key)
        if name is not None:
            self.counts[name] += 1
            if name == "connects" and len(self.destinations) < self._MAX_DESTINATIONS:
                self.destinations.add(str(event.get("destination.ip", "")))
                self.counts["fan_out"] = len(self.destinations)
        if key == ("network", "send"):
            self.counts["bytes_out"] += integer(event, "network.bytes")
        if "risk.intrinsic" in event and integer(event, "risk.intrinsic") >= self._RISKY:
            self.counts["risk"] += 1

    def vector(self) -> dict[str, float]:
        """Give the volumes so far, each log(1 + n) / log(1 + ceiling), at most 1."""
        return {
            name: min(1.0, log1p(count) / log1p(self.CEILINGS[name])) for name, count in self.counts.items()
        }

    def snapshot(self) -> dict[str, Any]:
        """Give the state as plain data."""
        return {"counts": dict(self.counts), "destinations": sorted(self.destinations)}

    @classmethod
    def restore(cls, data: Mapping[str, Any]) -> Volumes:
        """Take up a state that `snapshot` gave."""
        volumes = cls()
        volumes.counts.update(data["counts"])
        volumes.destinations.update(data["destinations"])
        return volumes
