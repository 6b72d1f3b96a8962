"""The start of a program, to be scored before an agent's: what is built on first use is then there.

RE2 builds its automata as texts come, and Python's interpreter adapts to code that it has run; the first
hundred events would each take twice as long, and come at once. The program is our own, since its start is of
the kind that agents begin with: an interpreter that opens its modules and libraries.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from workbench.event import Value

_MOST = 1_000  # files


def own_start() -> Iterator[dict[str, Value]]:
    """Give events as of this process's start: its exec, and each file it runs opened and read."""
    yield {
        "@timestamp": 0,
        "event.category": "process",
        "event.action": "exec",
        "event.outcome": "success",
        **_OURSELVES,
        "process.args": [sys.executable],
        "process.command_line": sys.executable,
    }
    for time, path in enumerate(islice(_files(), _MOST), 1):
        about: dict[str, Value] = {
            "@timestamp": time,
            "event.category": "file",
            **_OURSELVES,
            "file.path": path,
        }
        yield {**about, "event.action": "open", "event.outcome": "success", "file.flags": ["read"]}
        yield {**about, "event.action": "read"}


_OURSELVES: dict[str, Value] = {
    "event.provider": "rehearsal",
    "process.entity_id": "rehearsal",
    "process.pid": os.getpid(),
    "process.executable": sys.executable,
}


def _files() -> Iterator[str]:
    """Give the files of loaded modules, as they were compiled, and of loaded libraries, each once."""
    modules = [getattr(module, "__spec__", None) for module in list(sys.modules.values())]
    places = [spec.cached or spec.origin for spec in modules if spec is not None and spec.has_location]
    maps = Path("/proc/self/maps").read_text(errors="replace").splitlines()
    libraries = ["/" + line.partition("/")[2] for line in maps if "/" in line]
    yield from filter(str.isascii, dict.fromkeys([*libraries, *filter(None, places)]))
