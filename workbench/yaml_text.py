"""YAML read by libyaml: several times as fast as in Python; its recursion knows no limit, so we set one.

What is wrong with a text is a yaml.YAMLError, and one with a mark wherever a place is known.
"""

from __future__ import annotations

import contextlib
from typing import Any

import yaml

MAX_DEPTH = 100
# What PyYAML raises for a 13th month, and for a text that is nothing of what its tag says.
_NO_VALUE = (ValueError, LookupError, AttributeError, TypeError)


class Loader(yaml.CSafeLoader):
    """A safe loader that tells where a value stands that cannot be one."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Give a node's data; raises yaml.MarkedYAMLError."""
        try:
            return super().construct_object(node, deep)
        except _NO_VALUE as error:
            tag = node.tag.rpartition(":")[2]
            cause = f"no {tag}: {error}" if isinstance(error, ValueError) else f"no {tag}"
            raise yaml.MarkedYAMLError(problem=cause, problem_mark=node.start_mark) from None


def open_yaml(text: str) -> Loader:
    """Give a loader of a text that is nested at most `MAX_DEPTH` deep.

    Raises yaml.MarkedYAMLError at what is deeper. Other faults are the loader's to tell, where they are met.

    >>> open_yaml("[" * 101 + "]" * 101)
    Traceback (most recent call last):
        ...
    yaml.error.MarkedYAMLError: nested deeper than 100
      in "<unicode string>", line 1, column 101
    """
    if mark := _too_deep(text):
        raise yaml.MarkedYAMLError(problem=f"nested deeper than {MAX_DEPTH}", problem_mark=mark)
    return Loader(text)


def read_yaml(text: str) -> Any:
    """Give the data of a text that is one document; raises yaml.YAMLError.

    >>> read_yaml("a: [1, 2]")
    {'a': [1, 2]}
    >>> read_yaml("due: 2026-13-01")
    Traceback (most recent call last):
        ...
    yaml.error.MarkedYAMLError: no timestamp: month must be in 1..12
      in "<unicode string>", line 1, column 6
    """
    loader = open_yaml(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def _too_deep(text: str) -> Any:
    depth = 0
    with contextlib.suppress(yaml.YAMLError):
        for event in yaml.parse(text, yaml.CSafeLoader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    return event.start_mark
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
    return None
