"""Reads a registry, ours or a user's own, and says where it is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from workbench.errors import InputError, Place
from workbench.fields import ACTIONS, FIELDS
from workbench.registry import shapes
from workbench.yaml_text import open_yaml

Name = Literal["agents", "destinations", "intrinsic"]
NAMES: tuple[Name, ...] = ("agents", "destinations", "intrinsic")

_HERE = Path(__file__).parent
_SHAPES: dict[Name, type[msgspec.Struct]] = {
    "agents": shapes.Agents,
    "destinations": shapes.Destinations,
    "intrinsic": shapes.Intrinsic,
}
_MEND = "compare with the registry of that name in workbench/registry/"
_Fault = tuple[str, list[str | int]]


def load(name: Name, override: Path | None = None) -> dict[str, Any]:
    """Give a registry as plain data; `override` is a file that takes the place of ours.

    Raises InputError naming the file and line, and every fault there is.

    >>> registry = load("destinations")
    >>> registry["default"], registry["classes"][2]["name"]
    ('external', 'loopback')
    """
    file = override or _HERE / f"{name}.yml"
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read: {error}", place=file, mend="check the path") from None
    try:
        loader = open_yaml(text)
        node = loader.get_single_node()
        data = loader.construct_document(node) if node else None
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = Place(str(file), mark.line + 1, mark.column + 1) if mark is not None else file
        reason = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise InputError(f"not YAML: {reason}", place=place, mend="check the indentation") from None
    try:
        registry = msgspec.convert(data, _SHAPES[name])
    except msgspec.ValidationError as error:
        cause, _, where = str(error).partition(" - at `")
        path = [
            int(part[1:-1]) if part[0] == "[" else part for part in re.findall(r"\[\d+\]|[^.\[\]$`]+", where)
        ]
        raise InputError(cause, place=_place(file, node, path), mend=_MEND) from None
    plain: dict[str, Any] = msgspec.to_builtins(registry)
    faults = list(_FAULTS[name](plain))
    if faults:
        cause, path = faults[0]
        rest = "; ".join(f"{_place(file, node, where)}: {what}" for what, where in faults[1:])
        cause = f"{cause}; also {rest}" if rest else cause
        raise InputError(cause, place=_place(file, node, path), mend=_MEND)
    return plain


def load_all() -> dict[str, Any]:
    """Give the registries that come with the workbench, by name."""
    return {name: load(name) for name in NAMES}


def _place(file: Path, node: yaml.Node | None, path: list[str | int]) -> Place:
    """Find the line of the value at `path`, or of the nearest value above it."""
    for part in path:
        below: yaml.Node | None = None
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            below = node.value[part]
        elif isinstance(node, yaml.MappingNode):
            below = next((value for key, value in node.value if key.value == part), None)
        if below is None:
            break
        node = below
    return (
        Place(str(file), node.start_mark.line + 1, node.start_mark.column + 1) if node else Place(str(file))
    )


def _doubles(entries: list[dict[str, Any]], key: str) -> Iterator[_Fault]:
    seen: set[str] = set()
    for index, entry in enumerate(entries):
        if entry["name"] in seen:
            yield f"{entry['name']!r} is listed twice", [key, index, "name"]
        seen.add(entry["name"])


def _unknown_fields(match: dict[str, Any], path: list[str | int]) -> Iterator[_Fault]:
    for field in match:
        if field not in FIELDS:
            yield f"no event has a field {field!r}", [*path, "match", field]


def _agents(data: dict[str, Any]) -> Iterator[_Fault]:
    yield from _doubles(data["agents"], "agents")
    for index, role in enumerate(data["roles"]):
        yield from _unknown_fields(role["match"], ["roles", index])
    if data["evidence"]["name"] >= data["evidence"]["threshold"]:
        yield "a name alone must not recognise an agent", ["evidence", "name"]


def _destinations(data: dict[str, Any]) -> Iterator[_Fault]:
    yield from _doubles(data["classes"], "classes")
    for index, entry in enumerate(data["classes"]):
        for number, cidr in enumerate(entry.get("cidrs", ())):
            try:
                ip_network(cidr)
            except ValueError as error:
                yield str(error), ["classes", index, "cidrs", number]


def _intrinsic(data: dict[str, Any]) -> Iterator[_Fault]:
    known = {f"{category}/{action}" for category, actions in ACTIONS.items() for action in actions}
    for index, entry in enumerate(data["entries"]):
        yield from _unknown_fields(entry.get("match", {}), ["entries", index])
        for number, action in enumerate(entry["actions"]):
            if action not in known:
                yield f"no event has the action {action!r}", ["entries", index, "actions", number]


_FAULTS: dict[Name, Callable[[dict[str, Any]], Iterator[_Fault]]] = {
    "agents": _agents,
    "destinations": _destinations,
    "intrinsic": _intrinsic,
}
