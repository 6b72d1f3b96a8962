"""A tape: hand-made events of a small world, run through stages as they are made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from workbench.fields import FIELDS
from workbench.registry import load

SECOND = 1_000_000_000
AGENT_PATH = "/usr/lib/node_modules/@openai/codex/bin/codex-x86_64-unknown-linux-musl"


class Tape:
    """Makes events in order of time, a millisecond apart, and runs them through `stages`."""

    def __init__(self, *stages: Callable[[dict[str, Any]], None]) -> None:
        self.stages = list(stages)
        self.now = 1_000 * SECOND
        self.events: list[dict[str, Any]] = []
        self.pids: dict[str, int] = {}

    def wait(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)

    def event(self, kind: str, entity: str = "", **fields: Any) -> dict[str, Any]:
        self.now += 1_000_000
        category, _, action = kind.partition("/")
        event: dict[str, Any] = {
            "@timestamp": self.now,
            "event.category": category,
            "event.action": action,
            "event.id": f"e{len(self.events)}",
        }
        if entity:
            event["process.entity_id"] = entity
            event["process.pid"] = self.pid(entity)
        event |= {name.replace("__", "."): value for name, value in fields.items()}
        unknown = set(event) - set(FIELDS)
        assert not unknown, f"no such field: {unknown}"
        for stage in self.stages:
            stage(event)
        self.events.append(event)
        return event

    def pid(self, entity: str) -> int:
        return self.pids.setdefault(entity, 100 + len(self.pids))

    def fork(self, parent: str, child: str, **fields: Any) -> dict[str, Any]:
        target = {"process__target__pid": self.pid(child), "process__target__entity_id": child}
        return self.event("process/fork", parent, **target, **fields)

    def exec(self, entity: str, *args: str, **fields: Any) -> dict[str, Any]:
        fields.setdefault(
            "process__executable", args[0] if args[0].startswith("/") else f"/usr/bin/{args[0]}"
        )
        fields.setdefault("process__name", args[0].rpartition("/")[2][:15])
        line = {"process__args": list(args), "process__command_line": " ".join(args)}
        return self.event("process/exec", entity, **line, **fields)

    def spawn(self, parent: str, child: str, *args: str, **fields: Any) -> dict[str, Any]:
        self.fork(parent, child)
        return self.exec(child, *args, **fields)

    def session(self, session: str = "s1", root: str = "root", agent: str = "codex") -> dict[str, Any]:
        names = {"gen_ai__conversation__id": session, "gen_ai__agent__name": agent}
        return self.event("agent/session_start", root, **names)

    def call(
        self, name: str, command: str = "", tool: str = "shell", session: str = "s1", **fields: Any
    ) -> dict[str, Any]:
        import json

        if command:
            fields["gen_ai__tool__call__arguments"] = json.dumps({"command": command})
        ids = {
            "gen_ai__conversation__id": session,
            "gen_ai__tool__call__id": name,
            "gen_ai__tool__name": tool,
        }
        return self.event("agent/tool_call", **ids, **fields)

    def result(self, name: str, session: str = "s1") -> dict[str, Any]:
        ids = {"gen_ai__conversation__id": session, "gen_ai__tool__call__id": name}
        return self.event("agent/tool_result", **ids)

    def file(self, action: str, entity: str, path: str = "", inode: int = 0, **fields: Any) -> dict[str, Any]:
        if path:
            fields["file__path"] = path
        if inode:
            fields |= {"file__inode": str(inode), "file__device": "8:1"}
        return self.event(f"file/{action}", entity, **fields)

    def pipe(self, action: str, entity: str, inode: int, **fields: Any) -> dict[str, Any]:
        fields |= {"file__type": "pipe", "file__inode": str(inode), "file__device": "0:14"}
        return self.event(f"file/{action}", entity, **fields)

    def connect(self, entity: str, domain: str = "collector.example", **fields: Any) -> dict[str, Any]:
        fields.setdefault("destination__class", "external")
        return self.event("network/connect", entity, destination__domain=domain, **fields)


@pytest.fixture(scope="session")
def agents() -> dict[str, Any]:
    return load("agents")


@pytest.fixture
def make_tape() -> Callable[..., Tape]:
    return Tape


@pytest.fixture
def labelled() -> Callable[[dict[str, Any]], Sequence[str]]:
    """Label what opens or reads a key or an environment file, as a labelling rule does."""

    def labels(event: dict[str, Any]) -> Sequence[str]:
        path = event.get("file.path", "")
        secret = path.endswith((".env", "id_ed25519")) and event["event.action"] in ("open", "read")
        return ["secret"] if secret else []

    return labels
