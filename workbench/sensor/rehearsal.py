"""The start of a program, to be scored before an agent's: what is built on first use is then there.

RE2 builds its automata as texts come, and Python's interpreter adapts to code that it has run; the first
hundred events would each take twice as long, and come at once. The program is our own, since its start is of
the kind that agents begin with: an interpreter that opens its modules and libraries.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from workbench.event import Value

_MOST = 1_000  # files
_WRAPPERS = 8
_DIRECTORIES = (
    *("/etc", "/usr/bin", "/usr/share", "/usr/share/locale/C.UTF-8/LC_MESSAGES", "/usr/lib/x86_64-linux-gnu"),
    *("/proc/self", "/home/ada/.config", "/home/ada/src/shop", "/var/lib", "/var/log"),
)
_EACH = 25


def own_start(command: Sequence[str] = ()) -> Iterator[dict[str, Value]]:
    """Give events as of this process's start: its exec, and files it runs, or may look at, opened and read.

    The exec is told of each command line that is to come: `command`, and what of it a wrapper will run.
    """
    for start in range(min(max(len(command), 1), _WRAPPERS)):
        args = list(command[start:]) or [sys.executable]
        yield {
            "@timestamp": 0,
            "event.category": "process",
            "event.action": "exec",
            "event.outcome": "success",
            **_OURSELVES,
            "process.args": args,
            "process.command_line": " ".join(args),
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
    """Give paths, each once: of loaded libraries, of what else a program looks at, of compiled modules.

    Those in the middle need not exist: they are for the automata, which should have met such names.
    """
    modules = [getattr(module, "__spec__", None) for module in list(sys.modules.values())]
    places = [spec.cached or spec.origin for spec in modules if spec is not None and spec.has_location]
    maps = Path("/proc/self/maps").read_text(errors="replace").splitlines()
    libraries = ["/" + line.partition("/")[2] for line in maps if "/" in line]
    names = sorted(sys.stdlib_module_names)[::8]
    others = [f"{directory}/{name}" for directory in _DIRECTORIES for name in names[:_EACH]]
    yield from filter(str.isascii, dict.fromkeys([*libraries, *others, *filter(None, places)]))
