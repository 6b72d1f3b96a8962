"""Agent sessions and the parts that processes play in them: the state behind attribution."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

import msgspec

from workbench.scorer.enrich.bounded import Bounded
from workbench.scorer.enrich.calls import Calls, Command, ToolCall

_MAX_SPAWNS = 64
_FEW = 16


class Scope(msgspec.Struct, gc=False):
    """What a process and its descendants share: their session, their tool call and how that is known."""

    session: str
    agent: str
    certainty: float
    method: str = "ancestry"
    call: ToolCall | None = None


class Member(msgspec.Struct, gc=False):
    """One process's part: `harness` is the agent itself, `children` the actor that its children will be."""

    scope: Scope | None = None
    actor: str = "unknown"
    harness: bool = False
    children: str = ""
    suspect: str = ""
    evidence: float = 0.0
    talks: bool = False

    def child(self) -> Member:
        """Give the part of a process that this one forks."""
        return Member(self.scope, self.children or self.actor, self.harness, self.children)


class Spawn(msgspec.Struct, gc=False):
    """A process that the agent itself started, waiting for the harness to tell which call it was."""

    time: int
    entity: str
    command: Command


class Run(msgspec.Struct):
    """One session: `root` is its agent's first process, `spawns` the processes the agent started last."""

    id: str
    agent: str
    root: str = ""
    prompt: str = ""
    live: bool = True
    calls: Calls = msgspec.field(default_factory=Calls)
    spawns: deque[Spawn] = msgspec.field(default_factory=lambda: deque(maxlen=_MAX_SPAWNS))


class Runs:
    """The sessions by id; a session may be told of under several ids."""

    def __init__(self, cap: int) -> None:
        self.cap = cap
        self._runs: Bounded[str, Run] = Bounded(cap)
        self._aliases: Bounded[str, str] = Bounded(cap)
        self._live: dict[str, Run] = {}

    @property
    def evicted(self) -> int:
        """How many sessions and calls were forgotten for lack of room."""
        return self._runs.evicted + sum(run.calls.evicted for run in self._runs.values())

    def get(self, session: str) -> Run | None:
        """Give the session with this id or alias, or None."""
        return self._runs.get(session) or self._runs.get(self._aliases.get(session) or "")

    def begin(self, session: str, agent: str, root: str = "") -> Run:
        """Give the session with this id, begun now when there is none."""
        run = self.get(session)
        if run is None:
            run = Run(session, agent, root)
            self._keep(run)
        run.agent, run.root = agent or run.agent, root or run.root
        return run

    def _keep(self, run: Run) -> None:
        self._runs.put(run.id, run)
        if run.live:
            self._live[run.id] = run
        while len(self._live) > self.cap:  # those that began first were forgotten first
            self._live.pop(next(iter(self._live)))

    def end(self, run: Run) -> None:
        """Note that a session is over: no call is told any more that could name a process."""
        run.live = False
        run.spawns.clear()
        self._live.pop(run.id, None)

    def merge(self, guessed: Run, told: Run) -> None:
        """Let a session that was recognised before it was told of be the one told of."""
        self._runs.pop(guessed.id)
        self._live.pop(guessed.id, None)
        self.alias(guessed.id, told)
        told.spawns.extend(guessed.spawns)

    def alias(self, session: str, run: Run) -> None:
        """Let `session` name `run` too."""
        self._aliases.put(session, run.id)

    def live(self) -> list[Run]:
        """Give the sessions that have not ended; none when they are too many to tell apart by timing."""
        return list(self._live.values()) if len(self._live) <= _FEW else []

    def snapshot(self) -> dict[str, Any]:
        """Give the state as plain data."""
        runs = [
            [
                *(run.id, run.agent, run.root, run.prompt, run.live, run.calls.snapshot()),
                [[spawn.time, spawn.entity, *spawn.command] for spawn in run.spawns],
            ]
            for run in self._runs.values()
        ]
        return {"runs": runs, "aliases": dict(self._aliases.items()), "evicted": self._runs.evicted}

    def restore(self, data: Mapping[str, Any]) -> None:
        """Take up the state that `snapshot` gave."""
        self._runs.clear()
        self._live.clear()
        self._aliases.clear()
        for session, agent, root, prompt, live, calls, spawns in data["runs"]:
            run = Run(session, agent, root, prompt, live, Calls.restored(calls))
            run.spawns.extend(
                Spawn(time, entity, Command(line, parts)) for time, entity, line, parts in spawns
            )
            self._keep(run)
        for session, name in data["aliases"].items():
            self._aliases.put(session, name)
        self._runs.evicted = data["evicted"]
