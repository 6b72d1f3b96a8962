"""The few environment variables that are recorded: those that name a harness, a session or a call.

They are listed in `environment.toml`; no other variable leaves a traced process.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path


@cache
def names() -> frozenset[str]:
    """Give the names of the variables that may be recorded."""
    table = tomllib.loads(Path(__file__).with_name("environment.toml").read_text())
    return frozenset(name for group in table.values() for name in group)


def allowed(variables: Iterable[str]) -> list[str]:
    """Keep of `NAME=value` texts those that may be recorded.

    >>> allowed(["PATH=/bin", "CODEX_TOOL_CALL_ID=call_1", "CODEX_TOOL_CALL_IDS=x"])
    ['CODEX_TOOL_CALL_ID=call_1']
    """
    keep = names()
    return [text for text in variables if text.partition("=")[0] in keep]
