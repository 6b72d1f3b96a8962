"""Labels by construction: an event belongs to the step whose command's process it descends from."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from capture.lab.scenario import Scenario, Step
from workbench.dataset.process_tree import ProcessTree, call_spans
from workbench.dataset.session import Label
from workbench.event import Event, integer


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A tool call that was made, from when to when (ns); `step` is None for the harness's own."""

    step: Step | None
    id: str
    command: str
    started: int
    ended: int


def made_calls(scenario: Scenario, journal: Iterable[dict[str, Any]]) -> list[Made]:
    """Give the calls of a run from the model's journal, in the order they were made."""
    steps = {step.name: step for step in scenario.steps}
    entries = list(journal)
    ended = {entry["id"]: entry["at"] for entry in entries if entry.get("kind") == "result"}
    return [
        Made(
            step=steps.get(entry["step"]),
            id=entry["id"],
            command=_command(entry["arguments"]),
            started=entry["at"],
            ended=ended.get(entry["id"], 1 << 62),
        )
        for entry in entries
        if entry.get("kind") == "call"
    ]


def during(made: Sequence[Made], events: Iterable[Event]) -> Iterator[Event]:
    """Give the events a control plane told, each with the id of the call during which it did.

    Calls are made one at a time, and a control plane tells before the command that asked it ends.
    """
    for event in events:
        at = integer(event, "@timestamp")
        call = next((each.id for each in made if each.started <= at <= each.ended), "")
        yield {**event, "gen_ai.tool.call.id": call} if call else event


def _command(arguments: dict[str, Any]) -> str:
    value = arguments.get("command", arguments.get("cmd", ""))
    return str(value[-1]) if isinstance(value, list) else str(value)


def step_roots(events: Sequence[Event], made: Sequence[Made], tree: ProcessTree) -> dict[str, Made]:
    """Find the process that the harness started for each call: entity id → call.

    It is the outermost process, not yet below another call's, whose argument is the call's command; when the
    recorder altered the arguments (a redacted secret, a cut), the first one to exec during the call.
    """
    execs = [event for event in events if event.get("event.action") == "exec"]
    roots: dict[str, Made] = {}
    for call in made:
        if call.step is not None and call.step.tool:
            continue
        candidates = [
            event
            for event in execs
            if call.started <= int(event["@timestamp"]) <= call.ended  # type: ignore[arg-type]
            and not any(entity in roots for entity in tree.line(str(event["process.entity_id"])))
        ]
        command = call.command.strip()
        exact = [event for event in candidates if command and _carries(event, command)]
        for event in (exact or candidates)[:1]:
            roots[str(event["process.entity_id"])] = call
    return roots


def _carries(event: Event, command: str) -> bool:
    arguments = event.get("process.args")
    return isinstance(arguments, list) and any(command in argument for argument in arguments)


def server_calls(
    scenario: Scenario, events: Sequence[Event], made: Sequence[Made], tree: ProcessTree
) -> dict[str, list[Made]]:
    """Find the processes of the scenario's MCP servers: entity id → the calls they may have served.

    A harness that was given the server's command is no server: of a line of processes it is the last. A call
    is served from when to when the harness says, as far as it does.
    """
    spans = call_spans(events)
    calls = []
    for call in made:
        if call.step is not None and call.step.tool:
            first, last = spans.get(call.id, (call.started, call.ended))
            calls.append(replace(call, started=first, ended=last))
    started = {
        str(event["process.entity_id"])
        for event in events
        if event.get("event.action") == "exec"
        and any(_carries(event, path) for path in scenario.servers.values())
        and not any(_carries(event, call.command) for call in made if call.command)
    }
    above = {ancestor for entity in started for ancestor in tree.line(entity)[1:]}
    return dict.fromkeys(started - above, calls)


def label(scenario: Scenario, events: Sequence[Event], made: Sequence[Made]) -> list[Label]:
    """Label every event of a recording: those of a malicious step malicious, all others benign."""
    tree = ProcessTree(events)
    roots = step_roots(events, made, tree)
    servers = server_calls(scenario, events, made, tree)
    payloads = _payload_roots(scenario, events, made, roots, tree) | _beside_roots(scenario, events)
    calls = {call.id: call for call in made}
    labels = []
    for event in events:
        entity = str(event.get("process.entity_id", ""))
        line = tree.line(entity) if entity else []
        planted = next((payloads[ancestor] for ancestor in line if ancestor in payloads), None)
        if event.get("event.category") in ("agent", "control"):
            call = calls.get(str(event.get("gen_ai.tool.call.id", "")))
        else:
            call = next((roots[ancestor] for ancestor in line if ancestor in roots), None)
            at = int(event["@timestamp"])  # type: ignore[arg-type]
            served = next((servers[ancestor] for ancestor in line if ancestor in servers), [])
            call = next((each for each in served if each.started <= at <= each.ended), call)
        step = call.step if call else None
        guilty = step is not None and step.malicious and not step.partial
        if call is None:
            planted = planted or _reaching(scenario, event)
        if planted is not None and not guilty:
            step, guilty = planted, True
        labels.append(
            Label(
                event_id=str(event["event.id"]),
                label="malicious" if guilty else "benign",
                scenario=scenario.name,
                step=step.name if step else "",
                techniques=list(step.techniques) if guilty and step is not None else [],
            )
        )
    return labels


def _reaching(scenario: Scenario, event: Event) -> Step | None:
    """Find the step to which what a harness exchanges with a host belongs."""
    ends = {event.get("source.ip"), event.get("destination.ip")}
    return next((step for step in scenario.steps if not ends.isdisjoint(step.reaches)), None)


def _beside_roots(scenario: Scenario, events: Sequence[Event]) -> dict[str, Step]:
    """Find the processes that a malicious step has started beside the sessions: entity id → step."""
    commands = [(shlex.split(step.beside), step) for step in scenario.steps if step.beside and step.malicious]
    return {
        str(event["process.entity_id"]): step
        for command, step in commands
        for event in events
        if event.get("event.action") == "exec" and event.get("process.args") == command
    }


def _payload_roots(
    scenario: Scenario,
    events: Sequence[Event],
    made: Sequence[Made],
    roots: dict[str, Made],
    tree: ProcessTree,
) -> dict[str, Step]:
    """Find the processes that are a step's payload, below a call or before the first: entity id → step."""
    steps = [step for step in scenario.steps if step.payload]
    first = min((call.started for call in made), default=0)
    found: dict[str, Step] = {}
    for event in events if steps else ():
        if event.get("event.action") != "exec":
            continue
        entity = str(event["process.entity_id"])
        before = int(event["@timestamp"]) < first  # type: ignore[arg-type]
        if not before and not any(ancestor in roots for ancestor in tree.line(entity)):
            continue
        for step in steps:
            if _carries(event, step.payload):
                found[entity] = step
    return found
