"""What is said in a run: in one conversation, in several sessions, by an agent and its subagents."""

from __future__ import annotations

import shlex
import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from capture.lab.driver.base import Delegating, Driver, Servers
from capture.lab.habits import interleave
from capture.lab.model.script import Script, Turn
from capture.lab.scenario import Scenario, Step
from capture.lab.world import World
from workbench.errors import CaptureError
from workbench.event import Event, integer

_NEXT = (
    "Go on with {} where you stopped.",
    "Please finish what is open in {}.",
    "Take {} up again, and end it.",
)
_PART = ("Look after your part of {} and report back.", "Do what is left of {}, then tell me how it went.")


class Sitting(NamedTuple):
    """One session of a run: its id, what the user asks for, and how its harness is started."""

    session: str
    task: str
    command: list[str]


def sittings(
    first: Sitting, scenario: Scenario, driver: Driver, world: World, servers: Servers
) -> list[Sitting]:
    """Give all sessions of a run; raises CaptureError when the harness cannot hold what the scenario asks."""
    number = max((step.session for step in scenario.steps), default=0)
    if (number or any(step.subagent for step in scenario.steps)) and not isinstance(driver, Delegating):
        raise CaptureError(
            f"{driver.name} holds one conversation a run here", mend="use mini-swe-agent or opencode"
        )
    found = [first]
    for _ in range(number):
        session = str(uuid.UUID(int=world.random.getrandbits(128), version=4))
        task = world.random.choice(_NEXT).format(_project(world))
        found.append(Sitting(session, task, driver.launch(world.other(session), task, servers).command))
    return found


def _project(world: World) -> str:
    return world.repository.rpartition("/")[2]


def chained(held: Sequence[Sitting], beside: Sequence[str] = ()) -> list[str]:
    """Give the command that holds one session after another, each in its own process, and others beside."""
    lines = [*(f"{each} &" for each in beside), *(shlex.join(each.command) for each in held)]
    return held[0].command if len(lines) == 1 else ["sh", "-c", "\n".join([*lines, "exit"])]


def make_script(scenario: Scenario, driver: Driver, world: World, later: Sequence[Sitting] = ()) -> Script:
    """Put a scenario's steps, as they are in this world, into a model's mouth, with call ids of their own.

    `later` are the run's sessions after its first.
    """
    talks: list[list[Turn]] = [[] for _ in range(1 + len(later))]
    others: dict[str, list[Turn]] = {}
    turns = talks[0]
    for item in interleave(len(scenario.steps), scenario.repository.partition("-")[0], world):
        call = f"call_{world.token(24)}"
        if isinstance(item, str):
            turns.append(Turn(step="", id=call, arguments={"command": item}))
            continue
        step = scenario.steps[item]
        turns = talks[step.session]
        if step.subagent and isinstance(driver, Delegating):
            task = world.random.choice(_PART).format(f"{_project(world)}, {world.word('-')},")
            turns.append(driver.delegate(task, world))
            others[task] = driver.close_script([_turn(step, call)], world)
        else:
            turns.append(_turn(step, call))
    main, *rest = (driver.close_script(turns, world) for turns in talks)
    others |= {each.task: turns for each, turns in zip(later, rest, strict=True)}
    return Script(turns=main, others=others, seed=world.seed, port=world.model_port)


def _turn(step: Step, call: str) -> Turn:
    return Turn(
        step=step.name,
        id=call,
        tool=step.tool or "shell",
        arguments=step.arguments if step.tool else {"command": step.run},
        say=step.say,
        pause=step.pause,
    )


def by_session(told: Iterable[Event], held: Sequence[Sitting]) -> Iterator[Event]:
    """Give what a harness told with the run's session ids: of the session whose task it was, or the first."""
    events = list(told)
    owner = {
        str(event.get("gen_ai.conversation.id")): each.session
        for event in events
        for each in held
        if event["event.action"] == "prompt" and each.task in str(event.get("gen_ai.prompt.text"))
    }
    for event in events:
        session = owner.get(str(event.get("gen_ai.conversation.id")), held[0].session)
        yield {**event, "gen_ai.conversation.id": session}


def starts(held: Sequence[Sitting], seen: Iterable[Event], agent: str) -> Iterator[Event]:
    """Give the beginning of each session, at the process that is its harness."""
    execs = [event for event in seen if event.get("event.action") == "exec"]
    for each in held:
        harness = next((event for event in execs if _runs(event, each.command)), None)
        if harness is None:
            raise CaptureError("a session of the run did not begin", mend="run it again")
        kept = ("process.entity_id", "process.pid", "host.id", "host.name")
        yield {name: harness[name] for name in kept if name in harness} | {
            "@timestamp": integer(harness, "@timestamp") - 1,  # so that no tool seems to start it
            "event.category": "agent",
            "event.action": "session_start",
            "event.provider": "harness",
            "gen_ai.conversation.id": each.session,
            "gen_ai.agent.name": agent,
        }


def _runs(event: Event, command: list[str]) -> bool:
    arguments = event.get("process.args")
    return isinstance(arguments, list) and arguments[-len(command) :] == command
