"""What is worked out at first use is worked out before the first event, so that no verdict waits for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from workbench.event import Value
from workbench.fields import ACTIONS
from workbench.scorer import Scorer

_PATHS = 256


def warm(scorer: Scorer) -> None:
    """Score made-up events of each kind over files of this very process, and forget them.

    Patterns are compiled to automata by the texts they meet, and the interpreter adapts to what it runs.
    """
    fresh = scorer.anew()
    for event in _events():
        fresh.score(event)


def _events() -> Iterator[dict[str, Value]]:
    paths = [path for module in list(sys.modules.values()) if (path := getattr(module, "__file__", None))]
    kinds = [(category, action) for category, actions in ACTIONS.items() for action in actions]
    for number, path in enumerate(paths[:_PATHS]):
        for category, action in [("file", "open"), ("file", "read")] if number else kinds:
            yield {
                "@timestamp": number,
                "event.category": category,
                "event.action": action,
                "event.id": "",
                "process.entity_id": "warm-1-1",
                "process.pid": 1,
                "process.executable": sys.executable,
                "process.name": "python3",
                "process.command_line": f"{sys.executable} {path}",
                "file.path": path,
                "file.name": path.rpartition("/")[2],
                "file.directory": path.rpartition("/")[0],
            }
