"""What drift looks at: categorical features of one event, and running volumes of one session.

Baselines learn these features in a notebook and the scorer compares against them on the host; both use this
file, so that they cannot disagree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from math import log1p
from typing import Any, NamedTuple

from workbench.event import Value, integer

# Names that differ from run to run say nothing about behaviour: homes, temporary directories, ids, numbers.
_HOMES = {"/home/": "~", "/Users/": "~", "/proc/": "/proc/*"}
_TEMPORARY = ("/tmp/", "/var/tmp/", "/dev/shm/", "/private/tmp/")  # noqa: S108 - names to look for, not used
_DIGITS = frozenset("0123456789")
# Fixed patterns with nothing to choose between, on at most `_MAX_PATH` characters: linear with Python's own
# engine too, and RE2's Python wrapper takes fifty times as long to replace.
_ID = re.compile(r"[0-9a-fA-F]{8,}(?:-[0-9a-fA-F]{4,})*")
_NUMBER = re.compile(r"[0-9]+")
_MAX_PATH, _MAX_NAME = 512, 128
_EPHEMERAL = 32_768  # Linux's default net.ipv4.ip_local_port_range begins here


@lru_cache(maxsize=2_048)
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
    return _without_numbers(_placed(path))


def directory_of(event: Mapping[str, Value]) -> str:
    """Give the directory that a session works in if the event tells: a harness may be started in the root."""
    found = event.get("process.working_directory", "/")
    return "" if found == "/" else str(found)


def _placed(path: str) -> str:
    if path.startswith("/root/"):  # root's home by the Filesystem Hierarchy Standard, beside other homes
        return "~" + path[5:]
    for place, general in _HOMES.items():
        if path.startswith(place):
            _, slash, rest = path[len(place) :].partition("/")
            return general + slash + rest
    for place in _TEMPORARY:
        if path.startswith(place):
            return place + "*/" + path.rpartition("/")[2]
    return path


def _without_numbers(text: str) -> str:
    return text if _DIGITS.isdisjoint(text) else _NUMBER.sub("#", _ID.sub("*", text))


def _directory(path: str, workdir: str) -> str:
    path = path[:_MAX_PATH]
    return "/" if path == workdir else _general_directory(path.rpartition("/")[0] + "/", workdir)


@lru_cache(maxsize=2_048)
def _general_directory(directory: str, workdir: str) -> str:
    parts = general_path(directory, workdir).split("/")[:-1]
    return "/".join(parts[:4]) or "/"


def _file_kind(path: str) -> str:
    name = path[:_MAX_PATH].rstrip("/").rpartition("/")[2]
    stem, _, extension = name.rpartition(".")
    if stem and extension:
        return _without_numbers(f".{extension.lower()}")
    return _without_numbers(name) if name.startswith(".") else "none"


def _name(path: Value | None) -> str:
    return str(path).rpartition("/")[2] if path else "?"


def _executable(event: Mapping[str, Value], workdir: str) -> str | None:
    path = event.get("process.executable")
    return general_path(str(path), workdir) if path else None


def _lineage(event: Mapping[str, Value], workdir: str) -> str | None:
    return f"{_name(event.get('process.parent.executable'))}>{_name(event.get('process.executable'))}"


def _tool(event: Mapping[str, Value], workdir: str) -> str | None:
    tool = event.get("gen_ai.tool.name")
    return str(tool)[:_MAX_NAME] if tool else None


def _tool_program(event: Mapping[str, Value], workdir: str) -> str | None:
    tool = _tool(event, workdir)
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
Inputs = Callable[[Mapping[str, Value], str], tuple[Value | None, ...]]


class Kind(NamedTuple):
    """What drift looks at in one kind of event: features by name, and all that they read of the event."""

    features: tuple[tuple[str, Extractor], ...]
    inputs: Inputs


def _file(event: Mapping[str, Value], workdir: str) -> tuple[Value | None, ...]:
    path = event.get("file.path")
    within = isinstance(path, str) and path.startswith(workdir)  # elsewhere all sessions see the same
    return path, event.get("file.type"), workdir if within else ""


_FILE = Kind((("directory", _path_directory), ("file_kind", _path_kind)), _file)
FEATURES: dict[tuple[Value, Value], Kind] = {
    ("process", "exec"): Kind(
        (("executable", _executable), ("lineage", _lineage), ("tool", _tool_program)),
        lambda event, workdir: (
            event.get("process.executable"),
            event.get("process.parent.executable"),
            event.get("gen_ai.tool.name"),
            workdir,
        ),
    ),
    ("file", "open"): _FILE,
    ("file", "create"): _FILE,
    ("file", "rename"): _FILE,
    ("file", "delete"): _FILE,
    ("network", "connect"): Kind(
        (("destination", _destination), ("destination_class", _destination_class)),
        lambda event, workdir: (
            event.get("destination.class"),
            event.get("destination.domain"),
            event.get("destination.ip"),
            event.get("destination.port"),
        ),
    ),
    ("agent", "tool_call"): Kind((("tool", _tool),), lambda event, workdir: (event.get("gen_ai.tool.name"),)),
    ("agent", "session_start"): Kind((("hour", _hour),), lambda event, workdir: (_hour(event, workdir),)),
}
"""(category, action) → what drift looks at in such an event."""

CATEGORICAL = tuple(dict.fromkeys(name for kind in FEATURES.values() for name, _ in kind.features))

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
    _SCALE: Mapping[str, float] = {name: 1 / log1p(ceiling) for name, ceiling in CEILINGS.items()}
    COUNTED: Mapping[tuple[Value, Value], str] = {
        ("process", "exec"): "execs",
        ("file", "open"): "reads",
        ("file", "write"): "writes",
        ("file", "create"): "writes",
        ("file", "delete"): "deletes",
        ("network", "connect"): "connects",
        ("network", "send"): "bytes_out",
    }
    _MAX_DESTINATIONS = 1_024
    _RISKY = 50

    def __init__(self) -> None:
        self.counts: dict[str, int] = dict.fromkeys(self.NAMES, 0)
        self.destinations: set[str] = set()
        self._vector: dict[str, float] | None = None

    def learn(self, event: Mapping[str, Value], key: tuple[Value, Value]) -> None:
        """Count one event of the session; `key` is its category and action."""
        name = self.COUNTED.get(key)
        if name is not None:
            self._vector = None
            self.counts[name] += 1 if name != "bytes_out" else integer(event, "network.bytes")
            if name == "connects" and len(self.destinations) < self._MAX_DESTINATIONS:
                self.destinations.add(str(event.get("destination.ip", "")))
                self.counts["fan_out"] = len(self.destinations)
        if "risk.intrinsic" in event and integer(event, "risk.intrinsic") >= self._RISKY:
            self._vector = None
            self.counts["risk"] += 1

    def vector(self) -> dict[str, float]:
        """Give the volumes so far, each log(1 + n) / log(1 + ceiling), at most 1; one dict till one grows."""
        if self._vector is None:
            self._vector = {
                name: min(1.0, log1p(count) * self._SCALE[name]) for name, count in self.counts.items()
            }
        return self._vector

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


class Observation:
    """What one session shows: its directory, its volumes, and the values of its categorical features."""

    __slots__ = ("directory", "values", "volumes")
    _MAX_VALUES = 256

    def __init__(self) -> None:
        self.directory = ""
        self.volumes = Volumes()
        self.values: dict[str, set[str]] = {name: set() for name in CATEGORICAL}

    def learn(self, event: Mapping[str, Value]) -> None:
        """Take one event of the session, enriched."""
        key = event["event.category"], event["event.action"]
        self.volumes.learn(event, key)
        if not self.directory:
            self.directory = directory_of(event)
        self.collect(event, key)

    def collect(self, event: Mapping[str, Value], key: tuple[Value, Value]) -> None:
        """Note the values of the event's features, so many of each."""
        kind = FEATURES.get(key)
        for name, extract in kind.features if kind else ():
            value, known = extract(event, self.directory), self.values[name]
            if value is not None and len(known) < self._MAX_VALUES:
                known.add(value)

    def snapshot(self) -> dict[str, Any]:
        """Give the state as plain data."""
        values = {name: sorted(known) for name, known in self.values.items() if known}
        return {"directory": self.directory, "values": values, "volumes": self.volumes.snapshot()}

    @classmethod
    def restore(cls, data: Mapping[str, Any]) -> Observation:
        """Take up a state that `snapshot` gave."""
        seen = cls()
        seen.directory = data["directory"]
        seen.volumes = Volumes.restore(data["volumes"])
        for name, known in data["values"].items():
            seen.values[name].update(known)
        return seen
