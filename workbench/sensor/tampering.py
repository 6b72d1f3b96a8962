"""Tampering with the sensor itself: signals, tracing, and changes of its files, by what it watches."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from workbench.event import Event, integer
from workbench.scorer import Finding

RULE = "sensor-tampering"
_ACTS = frozenset({"signal", "ptrace"})
_CHANGES = frozenset({"write", "create", "rename", "link", "delete", "chmod", "chown", "mmap_write"})


class Tampering:
    """Knows the sensor's process and files (and what lies beside them under their names).

    >>> tampering = Tampering([Path("/var/lib/s/audit.jsonl")], pid=42)
    >>> act = {"@timestamp": 1, "event.category": "process", "event.action": "signal",
    ...        "process.target.pid": 42}
    >>> tampering.finding(act, "s1").reason
    'process signal to the sensor'
    >>> tampering.finding({**act, "process.target.pid": 43}, "s1") is None
    True
    """

    def __init__(self, files: Iterable[Path], pid: int = 0) -> None:
        self._pid = pid or os.getpid()
        self._files = tuple(str(file.absolute()) for file in files)

    def finding(self, event: Event, session: str) -> Finding | None:
        """Give the finding when an event of a session touches the sensor."""
        action = event["event.action"]
        if action in _ACTS and integer(event, "process.target.pid") == self._pid:
            what = f"process {action} to the sensor"
        elif action in _CHANGES and self._is_ours(event):
            what = f"file {action} of {event.get('file.path')}"
        else:
            return None
        return Finding(
            rule_id=RULE,
            rule_title="What is watched tampers with its sensor",
            level="critical",
            signal="pattern",
            risk=95,
            response="alert",
            timestamp=integer(event, "@timestamp"),
            event_id=str(event.get("event.id", "")),
            evidence=[str(event.get("event.id", ""))],
            steps=[RULE],
            session=session,
            entity_id=str(event.get("process.entity_id", "")),
            tool_call_id=str(event.get("gen_ai.tool.call.id", "")),
            actor=str(event.get("attribution.actor", "")),
            reason=what,
            tags=["attack.defense-evasion", "attack.t1562.001"],
        )

    def _is_ours(self, event: Event) -> bool:
        paths = (event.get("file.path"), event.get("file.original.path"))
        return any(isinstance(path, str) and path.startswith(self._files) for path in paths)
