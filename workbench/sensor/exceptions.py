"""Exceptions: findings that someone has looked at and accepts, within a scope and until a date.

A YAML file, read again when it changes:

    - rule: 44e8cfd6-6cd7-5f68-b378-0c748eeea800      # a rule's id, or "*"
      repository: /home/ada/src/shop                  # where the session works, and below; or
      session: 7f2c…                                  # one session; both left out: anywhere
      until: 2026-12-31T00:00:00Z
      by: ada
      because: the deploy script talks to our own host
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
import yaml

from workbench.errors import InputError, Place
from workbench.event import parse_timestamp
from workbench.yaml_text import open_yaml

_NULL = "tag:yaml.org,2002:null"


class Excepted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One exception; `until` is an RFC 3339 time."""

    rule: str
    until: str
    by: str
    because: str
    session: str = ""
    repository: str = ""

    @property
    def ends(self) -> int:
        """When it expires, nanoseconds since 1970."""
        return parse_timestamp(self.until)


def read(path: Path) -> list[Excepted]:
    """Read exceptions; raises InputError naming what is wrong, and its line."""
    try:
        return list(_exceptions(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", place=path, mend="check the path") from None
    except yaml.MarkedYAMLError as error:
        told, mark = error.problem, error.problem_mark or error.context_mark
        place = Place(str(path), mark.line + 1, mark.column + 1) if mark else path
    except (yaml.YAMLError, ValueError) as error:
        told, place = " ".join(str(error).split()), path
    raise InputError(
        f"not a list of exceptions: {told}", place=place, mend="each needs rule, until, by, because"
    )


def _exceptions(text: str) -> Iterator[Excepted]:
    """Take each value as it is written: an `until` need not be quoted to be no YAML timestamp."""
    root = open_yaml(text).get_single_node()
    if root is None:
        return
    if not isinstance(root, yaml.SequenceNode):
        raise _fault(root, "a list is wanted")
    for item in root.value:
        try:
            found = msgspec.convert(_fields(item), Excepted)
            parse_timestamp(found.until)
        except ValueError as error:
            raise _fault(item, str(error)) from None
        yield found


def _fields(item: yaml.Node) -> dict[str, str]:
    fields: dict[str, str] = {}
    for key, value in item.value if isinstance(item, yaml.MappingNode) else ():
        if not isinstance(key, yaml.ScalarNode) or key.value in fields:
            raise _fault(key, "a key is no text, or stands twice")
        if not isinstance(value, yaml.ScalarNode) or value.tag == _NULL:  # no scope would be any scope
            raise _fault(value, f"{key.value} wants a text")
        fields[key.value] = value.value
    return fields


def _fault(node: yaml.Node, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


class Exceptions:
    """The exceptions in force; those that expire, come and go are told once, for the audit log."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._all: list[Excepted] = read(path) if path else []
        self._changed = _stamp(path)
        self._expired: set[Excepted] = set()

    def covers(self, rule: str, session: str, directory: str, now: int) -> Excepted | None:
        """Give the exception that a rule's findings fall under at `now` (ns since 1970), None without one.

        `directory` is where the session works.
        """
        for each in self._all:
            if each.rule not in ("*", rule) or each.ends <= now:
                continue
            if each.session and each.session != session:
                continue
            if each.repository and not _below(directory, each.repository):
                continue
            return each
        return None

    def names(self, rule: str, now: int) -> bool:
        """Whether any exception, of whatever scope, is in force for a rule."""
        return any(each.rule in ("*", rule) and each.ends > now for each in self._all)

    def refresh(self, now: int) -> list[tuple[str, Any]]:
        """Read a changed file again; gives audit records of what changed, and of what expired."""
        records: list[tuple[str, Any]] = []
        if self._path and (stamp := _stamp(self._path)) != self._changed:
            self._changed = stamp
            try:
                new = read(self._path)
            except InputError as error:
                records.append(("exceptions_refused", {"because": str(error), "kept": len(self._all)}))
            else:
                records += [("exception_added", each) for each in new if each not in self._all]
                records += [("exception_removed", each) for each in self._all if each not in new]
                self._all = new
        for each in self._all:
            if each.ends <= now and each not in self._expired:
                self._expired.add(each)
                records.append(("exception_expired", each))
        return records


def _below(directory: str, repository: str) -> bool:
    return bool(directory) and PurePosixPath(directory).is_relative_to(PurePosixPath(repository))


def _stamp(path: Path | None) -> tuple[int, int]:
    try:
        status = path.stat() if path else None
    except OSError:
        return 0, 0
    return (status.st_mtime_ns, status.st_ino) if status else (0, 0)
