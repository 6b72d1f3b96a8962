"""Attribution: which session and tool call an event belongs to, who acted, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any, Self

from workbench.scorer.enrich.agents import Agents
from workbench.scorer.enrich.calls import ToolCall, commands_of
from workbench.scorer.enrich.members import Members
from workbench.scorer.enrich.runs import Member, Run, Runs, Scope

_MAX_PROCESSES = 65_536
_MAX_SESSIONS = 4_096
_MAX_KNOWN = 4_096


class Attribution:
    """Adds gen_ai.agent.name, .conversation.id, .tool.*, .prompt.id and attribution.* to each event.

    Methods, strongest first: `environment` (the call id that the agent put into a process's environment),
    `harness_event` (a told tool call whose command the process runs), `ancestry` (a descendant of the
    session's root, and the only call running when it began), `timing` (several calls ran, or the process
    stood outside the tree: the likeliest is named). A variable is believed only on a process that the agent
    itself started, so a tool cannot disguise itself as another call. `environment=False` leaves the first
    method out, to measure the others against it.
    """

    def __init__(
        self,
        agents: Mapping[str, Any],
        *,
        environment: bool = True,
        max_processes: int = _MAX_PROCESSES,
        max_sessions: int = _MAX_SESSIONS,
    ) -> None:
        self._confidence: Mapping[str, float] = agents["confidence"]
        self._runs = Runs(max_sessions)
        self._members = Members(Agents(agents), self._runs, environment=environment, cap=max_processes)
        # What is said of a process stays until a harness tells something or a program is started.
        self._known: dict[str, dict[str, Any]] = {}

    def anew(self) -> Self:
        """Give a stage of the same registry that has seen nothing."""
        other = copy(self)
        other._runs = Runs(self._runs.cap)
        other._members = self._members.anew(other._runs)
        other._known = {}
        return other

    @property
    def evicted(self) -> int:
        """How many processes, sessions and calls were forgotten for lack of room."""
        return self._members.evicted + self._runs.evicted

    def apply(self, event: dict[str, Any]) -> None:
        """Add who did it and how that is known; what the event already says is kept."""
        category = event["event.category"]
        if category in ("agent", "control"):
            self._known.clear()
            self._told(event)
            return
        entity = event.get("process.entity_id")
        if entity is None:
            return
        if category == "process" and event["event.action"] == "exec":
            self._known.clear()
        member = self._members.follow(entity, event)
        if "attribution.method" in event:
            return
        if member.scope is None:
            self._outside(member, event)
            return
        known = self._known.get(entity)
        if known is None:
            known = self._within(member, member.scope)
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            self._known[entity] = known
        for name, value in known.items():
            if name not in event:
                event[name] = value

    def _within(self, member: Member, scope: Scope) -> dict[str, Any]:
        """Give what is said of a process of a session."""
        said: dict[str, Any] = {}
        call, method = scope.call, scope.method
        run = self._runs.get(scope.session)
        if call is None and run is not None and (member.harness or member.actor == "mcp_server"):
            running = self._running(run, by_mcp=not member.harness)
            if len(running) == 1:  # the agent, or its server, carries the call out in its own process
                call, method = running[0], "timing"
        self._say(said, run, scope.agent, call)
        said.setdefault("gen_ai.conversation.id", scope.session)  # also of a session that was forgotten
        said["attribution.actor"] = member.actor
        said["attribution.method"] = method
        known = "ancestry_call" if call is not None and method == "ancestry" else method
        said["attribution.confidence"] = round(self._confidence[known] * scope.certainty, 4)
        return said

    def _outside(self, member: Member, event: dict[str, Any]) -> None:
        event["attribution.actor"] = member.actor
        event["attribution.method"] = "none"
        event["attribution.confidence"] = 0.0
        if member.actor == "mcp_server":  # it may have been started before the session that uses it
            line = event.get("process.command_line", "")
            running = [(run, call) for run in self._runs.live() for call in self._running(run, by_mcp=True)]
            named = [(run, call) for run, call in running if call.server and call.server in line]
            if len(running) == 1 or len(named) == 1:
                run, call = (named or running)[0]
                self._say(event, run, run.agent, call)
                event["attribution.method"] = "timing"
                event["attribution.confidence"] = self._confidence["timing"]
        elif member.actor != "unknown":
            event["attribution.method"] = "ancestry"
            event["attribution.confidence"] = self._confidence["outside"]

    @staticmethod
    def _running(run: Run, *, by_mcp: bool) -> list[ToolCall]:
        return [call for call in run.calls.running() if call.by_mcp == by_mcp]

    @staticmethod
    def _say(event: dict[str, Any], run: Run | None, agent: str, call: ToolCall | None) -> None:
        prompt = ""
        if run is not None:
            prompt = run.prompt
            event.setdefault("gen_ai.conversation.id", run.id)
        if agent:
            event.setdefault("gen_ai.agent.name", agent)
        if call is not None:
            prompt = call.prompt
            event.setdefault("gen_ai.tool.call.id", call.id)
            if call.tool:
                event.setdefault("gen_ai.tool.name", call.tool)
        if prompt:
            event.setdefault("gen_ai.prompt.id", prompt)

    def _told(self, event: dict[str, Any]) -> None:
        """Learn from what the harness says of itself."""
        run = self._told_run(event)
        if run is None:
            return
        action, told = event["event.action"], event.get("gen_ai.tool.call.id", "")
        call = run.calls.get(told)
        if action == "prompt":
            run.prompt = event.get("gen_ai.prompt.id", "")
            run.calls.turn()
        elif action == "tool_call":
            call = self._told_call(run, event)
        elif action == "tool_result":
            running = run.calls.running()
            call = call or (running[0] if len(running) == 1 else None)
            if call is not None:
                run.calls.end(call.id, event["@timestamp"])
        elif action == "session_end":
            self._runs.end(run)
        self._say(event, run, run.agent, call)
        if "attribution.method" not in event:
            event["attribution.actor"] = "developer" if action == "prompt" else "agent"
            event["attribution.method"] = "harness_event"
            event["attribution.confidence"] = self._confidence["harness_event"]

    def _told_call(self, run: Run, event: Mapping[str, Any]) -> ToolCall:
        call = ToolCall(
            event.get("gen_ai.tool.call.id") or event.get("event.id", ""),
            tool=event.get("gen_ai.tool.name", ""),
            prompt=event.get("gen_ai.prompt.id", run.prompt),
            server=event.get("mcp.server.name", ""),
            begin=event["@timestamp"],
            commands=commands_of(event.get("gen_ai.tool.call.arguments", "")),
        )
        call = run.calls.begin(call)
        self._members.match(run, call, call.begin)
        return call

    def _told_run(self, event: Mapping[str, Any]) -> Run | None:
        session = event.get("gen_ai.conversation.id", "")
        entity = event.get("process.entity_id", "")
        agent = event.get("gen_ai.agent.name", "")
        if event["event.action"] == "session_start" and (session or entity):
            run = self._runs.begin(session or f"{agent}:{entity}", agent, entity)
            if entity:
                self._members.root(entity, run)
            return run
        known = self._runs.get(session) if session else None
        if known is not None:
            return known
        member = self._members.get(entity)
        if member is not None and member.scope is not None:
            known = self._runs.get(member.scope.session)
        else:
            live = [run for run in self._runs.live() if not session or not len(run.calls)]
            known = live[0] if len(live) == 1 else None
        if known is not None and session:
            self._runs.alias(session, known)
        return known or (self._runs.begin(session, agent) if session else None)

    def snapshot(self) -> dict[str, Any]:
        """Give the state as plain data."""
        return {"runs": self._runs.snapshot(), "members": self._members.snapshot()}

    def restore(self, data: Mapping[str, Any]) -> None:
        """Take up the state that `snapshot` gave."""
        self._known.clear()
        self._runs.restore(data["runs"])
        self._members.restore(data["members"])
