"""YAML read by libyaml: several times as fast as in Python; its recursion knows no limit, so we set one."""

from __future__ import annotations

import contextlib
from typing import Any

import yaml

MAX_DEPTH = 100


def open_yaml(text: str) -> yaml.CSafeLoader:
    """Give a loader of a text that is nested at most `MAX_DEPTH` deep.

    Raises yaml.MarkedYAMLError at what is deeper. Other faults are the loader's to tell, where they are met.

    >>> open_yaml("a: [1, 2]").get_data()
    {'a': [1, 2]}
    >>> open_yaml("[" * 101 + "]" * 101)
    Traceback (most recent call last):
        ...
    yaml.error.MarkedYAMLError: nested deeper than 100
      in "<unicode string>", line 1, column 101
    """
    if mark := _too_deep(text):
        raise yaml.MarkedYAMLError(problem=f"nested deeper than {MAX_DEPTH}", problem_mark=mark)
    return yaml.CSafeLoader(text)


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
