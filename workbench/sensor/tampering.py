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
_CONCERNED = _ACTS | _CHANGES | {"open"}
_OF_DIRECTORIES = frozenset({"rename", "delete", "chmod", "chown"})
_HOOKS = ("workbench-hook", "workbench")
_CGROUP_PROCS = "/cgroup.procs"


def tampering(what: str, *, at: int, event: Event | None = None, session: str = "") -> Finding:
    """Give the finding of an act against the sensor."""
    about = event or {}
    name = str(about.get("event.id", ""))
    return Finding(
        rule_id=RULE,
        rule_title="What is watched tampers with its sensor",
        level="critical",
        signal="pattern",
        risk=95,
        response="alert",
        timestamp=at,
        event_id=name,
        evidence=[name] if name else [],
        steps=[RULE] if name else [],
        session=session,
        entity_id=str(about.get("process.entity_id", "")),
        tool_call_id=str(about.get("gen_ai.tool.call.id", "")),
        actor=str(about.get("attribution.actor", "")),
        reason=what,
        tags=["attack.defense-evasion", "attack.t1562.001"],
    )


class Tampering:
    """Knows the sensor's processes and files: with what lies beside them under their names, such as a log's
    `.head`, and with the directories above them, which are not to be moved or closed to the sensor.

    `hooks` is the file that a harness's hooks append to, which only they and the agent itself may do.

    >>> watch = Tampering([Path("/var/lib/s/audit.jsonl")], pids=[42])
    >>> act = {"@timestamp": 1, "event.category": "process", "event.action": "signal",
    ...        "process.target.pid": 42}
    >>> watch.finding(act, "s1").reason
    'process signal to the sensor'
    >>> watch.finding({**act, "process.target.pid": 43}, "s1") is None
    True
    """

    def __init__(self, files: Iterable[Path], pids: Iterable[int] = (), *, confined: bool = False) -> None:
        """`confined`: the agent has a cgroup of its own, which it is not to leave."""
        self._pids = {os.getpid(), *pids}
        named = {path for file in files for path in (file.absolute(), file.resolve())}
        self._files = frozenset(map(str, named))
        self._beside = tuple(f"{path}{sign}" for path in named for sign in "./")
        self._above = frozenset(str(above) for path in named for above in path.parents)
        self._memory = tuple(f"/proc/{pid}/" for pid in self._pids)
        self._confined = confined
        self.hooks = ""

    def finding(self, event: Event, session: str) -> Finding | None:
        """Give the finding when an event of a session touches the sensor."""
        what = self._act(event) if event["event.action"] in _CONCERNED else ""
        if not what:
            return None
        return tampering(what, at=integer(event, "@timestamp"), event=event, session=session)

    def _act(self, event: Event) -> str:
        action = str(event["event.action"])
        if action in _ACTS:
            ours = integer(event, "process.target.pid") in self._pids
            return f"process {action} to the sensor" if ours else ""
        if event["event.category"] != "file" or not (action in _CHANGES or _opens_to_write(event)):
            return ""
        names = ("file.path", "file.original.path")
        paths = [path for name in names if isinstance(path := event.get(name), str)]
        return f"file {action} of {event.get('file.path')}" if self._is_ours(paths, action, event) else ""

    def _is_ours(self, paths: list[str], action: str, event: Event) -> bool:
        if any(path in self._files or path.startswith((*self._beside, *self._memory)) for path in paths):
            return True
        if action in _OF_DIRECTORIES and not self._above.isdisjoint(paths):
            return True
        if self.hooks and self.hooks in paths:
            told = event.get("process.name") in _HOOKS or event.get("attribution.actor") == "agent"
            return not told or action not in ("open", "write")
        # Out of its cgroup, an agent is out of reach of the filter and of the guard.
        return self._confined and any(path.endswith(_CGROUP_PROCS) for path in paths)


def _opens_to_write(event: Event) -> bool:
    flags = event.get("file.flags")
    return event["event.action"] == "open" and isinstance(flags, list) and "write" in flags
