"""Membership: which agent session each process belongs to, told by how it was started and what it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from workbench.scorer.enrich.agents import Agents, Mark
from workbench.scorer.enrich.bounded import Bounded
from workbench.scorer.enrich.calls import Command, ToolCall
from workbench.scorer.enrich.runs import Member, Run, Runs, Scope, Spawn

SLACK = 5_000_000_000  # a transcript may tell of a call this many nanoseconds after its process began


class Members:
    """The part that each process plays, followed through fork, exec and exit."""

    def __init__(self, agents: Agents, runs: Runs, *, environment: bool, cap: int) -> None:
        self._agents = agents
        self._runs = runs
        self._environment = environment
        self._members: Bounded[str, Member] = Bounded(cap)

    def anew(self, runs: Runs) -> Members:
        """Give members of the same registry, of none yet."""
        return Members(self._agents, runs, environment=self._environment, cap=self._members.cap)

    @property
    def evicted(self) -> int:
        """How many processes were forgotten for lack of room."""
        return self._members.evicted

    def get(self, entity: str) -> Member | None:
        """Give a process's part, or None."""
        return self._members.peek(entity)

    def root(self, entity: str, run: Run) -> None:
        """Make a process the first of a session that the harness told of."""
        member = self._members.get(entity) or Member()
        guessed = self._runs.get(member.scope.session) if member.scope is not None else None
        if guessed is not None and guessed is not run and guessed.root == entity:
            self._runs.merge(guessed, run)
        member.scope = Scope(run.id, run.agent, 1.0)
        member.actor, member.harness, member.children = "agent", True, ""
        self._members.put(entity, member)

    def follow(self, entity: str, event: Mapping[str, Any]) -> Member:
        """Give the part of the process that did `event`, and learn from it."""
        member = self._members.get(entity)
        if member is None:
            member = self._join(event.get("process.parent.entity_id"))
            self._members.put(entity, member)
        if event["event.category"] == "process":
            self._process(entity, member, event)
        elif member.scope is None:
            self._watch(entity, member, event)
        return member

    def _join(self, parent: str | None) -> Member:
        above = self._members.peek(parent) if parent else None
        return above.child() if above is not None else Member()

    def _process(self, entity: str, member: Member, event: Mapping[str, Any]) -> None:
        action = event["event.action"]
        if action == "exec":
            if event.get("event.outcome") != "failure":
                self._exec(entity, member, event)
        elif action == "fork":
            child = event.get("process.target.entity_id")
            if child is not None and child not in self._members:
                self._members.put(child, member.child())
        elif action == "exit":
            self._members.retire(entity)

    # What a process is, told by what it executes.

    def _exec(self, entity: str, member: Member, event: Mapping[str, Any]) -> None:
        agent, evidence = self._agents.recognise(event)
        if agent and member.harness and member.scope is not None and agent == member.scope.agent:
            evidence = 1.0  # the session began with a wrapper such as sudo; this is the agent
        mark = self._agents.mark(event.get("process.env_vars", ())) if self._environment else None
        if member.scope is None and not self._agents.enough(evidence):
            self._adopt(member, event.get("process.parent.entity_id"), mark)
        if self._agents.enough(evidence):
            self._agent(entity, member, agent, evidence)
        elif member.scope is None:
            member.suspect, member.evidence = agent, evidence
            self._play(member, event)
        else:
            run = self._runs.begin(member.scope.session, "")
            if entity != run.root:
                self._tool(entity, member, run, mark, event)

    def _agent(self, entity: str, member: Member, agent: str, evidence: float) -> None:
        scope = member.scope
        if scope is None:
            run = self._runs.begin(f"{agent}:{entity}", agent, entity)
            member.scope = Scope(run.id, agent, evidence)
        elif scope.agent in ("", "unknown"):
            scope.agent = agent
        elif agent != scope.agent or not (member.harness or member.actor == "agent"):
            # One agent started another: the session stays the outer one's, and to that the inner is what its
            # tool started, so that nothing gains an agent's standing by a name it chose.
            certainty = min(scope.certainty, evidence)
            member.scope = Scope(scope.session, agent, certainty, scope.method, scope.call)
            member.harness, member.children = True, ""
            return
        member.actor, member.harness, member.children = "agent", True, ""

    def _adopt(self, member: Member, parent: str | None, mark: Mark | None) -> None:
        """Give a process outside every session the session that its parent's behaviour or its marks show."""
        above = self._members.peek(parent) if parent else None
        if above is not None and above.scope is None and above.talks:
            agent = above.suspect or "unknown"
            run = self._runs.begin(f"{agent}:{parent}", agent, parent or "")
            above.scope = Scope(run.id, agent, self._agents.weights["behaviour"])
            above.actor, above.harness = "agent", True
            member.scope, member.harness = above.scope, True
        elif mark is not None:
            run = self._runs.begin(mark.session or f"{mark.agent}:{parent or ''}", mark.agent)
            member.scope = Scope(run.id, mark.agent, self._agents.weights["environment"])
            member.harness = True

    def _tool(
        self, entity: str, member: Member, run: Run, mark: Mark | None, event: Mapping[str, Any]
    ) -> None:
        scope = member.scope
        assert scope is not None
        started_by_agent = member.harness
        if started_by_agent:
            scope = member.scope = Scope(scope.session, scope.agent, scope.certainty, "ancestry", scope.call)
            member.actor, member.harness = "tool_child", False
        self._play(member, event)
        if member.actor == "mcp_server":
            return
        guess = scope.method in ("ancestry", "timing")
        if mark is not None and mark.call and (started_by_agent or scope.call is None):
            scope.call = run.calls.get(mark.call) or ToolCall(mark.call, prompt=run.prompt)
            scope.call.matched, scope.method = True, "environment"
            if mark.session and self._runs.get(mark.session) is None:
                self._runs.alias(mark.session, run)
            guess = False
        if not (guess or started_by_agent):
            return
        command = Command.of(event.get("process.args", ()), event.get("process.command_line", ""))
        if guess:
            self._guess(member, run, command, event["@timestamp"], started_by_agent)
        if started_by_agent:
            if scope.call is None and len(run.calls):
                member.actor = "agent"  # the harness's own helper: it ran while no tool was called
            run.spawns.append(Spawn(event["@timestamp"], entity, command))

    @staticmethod
    def _guess(member: Member, run: Run, command: Command, time: int, first: bool) -> None:
        scope = member.scope
        assert scope is not None
        call = run.calls.carried_out_by(command, time, SLACK)
        if call is not None:
            if not first:  # what runs above it, such as an agent that was not recognised, is not in the call
                scope = member.scope = Scope(scope.session, scope.agent, scope.certainty)
            scope.call, scope.method, call.matched = call, "harness_event", True
        elif first:
            running = [call for call in run.calls.running() if not call.by_mcp]
            if running:
                scope.call = running[-1]
                scope.method = "ancestry" if len(running) == 1 else "timing"

    def _play(self, member: Member, event: Mapping[str, Any]) -> None:
        role = self._agents.role(event, inside=member.scope is not None)
        if role is not None and role.of_children:
            member.children = role.actor
        elif role is not None:
            member.actor, member.children = role.actor, ""

    def _watch(self, entity: str, member: Member, event: Mapping[str, Any]) -> None:
        """Look for what an agent does, in a process that belongs to no session."""
        if event["event.category"] == "network":
            domain = event.get("destination.domain") or event.get("tls.client.server_name")
            if domain and not member.talks and self._agents.serves_models(domain):
                member.talks = True
        elif member.suspect and "file.path" in event:
            member.evidence = self._agents.confirm(member.suspect, member.evidence, event["file.path"])
            if self._agents.enough(member.evidence):
                self._agent(entity, member, member.suspect, member.evidence)

    def match(self, run: Run, call: ToolCall, time: int) -> None:
        """Give a call that was told late to the process that the agent had already started for it."""
        for spawn in run.spawns:
            member = self._members.peek(spawn.entity)
            scope = member.scope if member is not None else None
            if member is None or scope is None or spawn.time + SLACK < time:
                continue
            if scope.call is not None and scope.call.id == call.id:
                scope.call = call
            elif scope.method in ("ancestry", "timing") and spawn.command.carries_out(call):
                scope.call, scope.method, call.matched = call, "harness_event", True
                member.actor = "tool_child" if member.actor == "agent" else member.actor
                return

    def snapshot(self) -> dict[str, Any]:
        """Give the state as plain data: scopes once each, since processes share them."""
        scopes: dict[int, tuple[int, list[Any]]] = {}
        members = []
        for entity, member in self._members.items():
            index = -1
            if (scope := member.scope) is not None:
                call = msgspec.structs.astuple(scope.call) if scope.call is not None else None
                row = [scope.session, scope.agent, scope.certainty, scope.method, call]
                index = scopes.setdefault(id(scope), (len(scopes), row))[0]
            members.append([entity, index, *msgspec.structs.astuple(member)[1:]])
        return {
            "scopes": [row for _, row in scopes.values()],
            "members": members,
            "exited": list(self._members.retired()),
            "evicted": self.evicted,
        }

    def restore(self, data: Mapping[str, Any]) -> None:
        """Take up the state that `snapshot` gave."""
        self._members.clear()
        scopes = [
            Scope(session, agent, certainty, method, self._call(session, call))
            for session, agent, certainty, method, call in data["scopes"]
        ]
        for entity, index, *fields in data["members"]:
            self._members.put(entity, Member(scopes[index] if index >= 0 else None, *fields))
        for entity in data["exited"]:
            self._members.retire(entity)
        self._members.evicted = data["evicted"]

    def _call(self, session: str, fields: list[Any] | None) -> ToolCall | None:
        if fields is None:
            return None
        run = self._runs.get(session)
        return (run.calls.get(fields[0]) if run is not None else None) or ToolCall(*fields)
