"""Run a scenario with a real harness in its own small internet, and record it with labels."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from capture.harness import hooks
from capture.harness.transcript import Transcript
from capture.lab.dialogue import by_session, starts
from capture.lab.driver import driver_for
from capture.lab.driver.base import Driver
from capture.lab.label import during, label, made_calls
from capture.lab.mutate import Mutator, mutator_for
from capture.lab.scenario import Scenario, load
from capture.lab.stage import stage
from capture.lab.world import World
from capture.recorder import Recorder
from capture.source import open_source
from capture.spool import new_place, read_events, sweep
from workbench.dataset.recording import Recording
from workbench.dataset.session import Label
from workbench.errors import CaptureError
from workbench.event import Event

_SETTLE_S = 0.05
"""What the agent's last processes get to end, so that their exits are in the recording."""


@dataclass
class Outcome:
    """What a run left: the recording, what the model said, what the internet saw, what the harness wrote."""

    recording: Recording
    world: World
    model: list[dict[str, Any]]
    internet: list[dict[str, Any]]
    transcript: Transcript


def run_scenario(
    name: str, agent: str, out: Path, source: str = "auto", seed: int = 0, *, mutator: str = ""
) -> Recording:
    """Run the scenario `name` with the harness `agent` and write its labelled recording to `out`.

    Raises InputError for an unknown scenario, agent or mutator, CaptureError when it cannot run here.
    """
    evasion = mutator_for(mutator) if mutator else None
    return play(load(name), driver_for(agent), out, source=source, seed=seed, mutator=evasion).recording


def play(
    scenario: Scenario,
    driver: Driver,
    out: Path,
    *,
    source: str = "auto",
    seed: int = 0,
    mutator: Mutator | None = None,
    timeout: float = 180,
) -> Outcome:
    """Run a scenario and give all that was seen, as `run_scenario`.

    `timeout` is how many seconds each agent of the run may take, pauses apart.
    """
    sweep()
    with stage(scenario, driver, seed, mutator) as staged:
        played, world, launch, namespace, held = staged
        agents = len(held) + sum(step.subagent for step in played.steps)
        spool = new_place()
        recorder = Recorder(
            open_source(source),
            spool=spool,
            agent=driver.name,
            session_id=world.session,
            settings={
                "scenario": scenario.name,
                "family": scenario.family,
                "twin_of": scenario.twin_of,
                "mutator": mutator.name if mutator else "",
                "seed": seed,
            }
            | ({} if scenario.hour is None else {"hour": scenario.hour}),
        )
        recorder.session.agent_version, recorder.session.host = driver.version, world.machine
        with _whole_or_nothing(recorder):
            recorder.run(
                namespace.command(launch.command, world.repository),
                env=launch.environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=timeout * agents + sum(step.pause for step in played.steps),
            )
            if recorder.interrupted:
                raise KeyboardInterrupt
            begun: list[Event] = []
            if launch.command != held[0].command:  # a shell that starts it, and is no agent's process
                begun = list(starts(held, read_events(spool), driver.name))
                recorder.session.root_entity_id = ""
            time.sleep(_SETTLE_S)
            transcript = driver.transcript(namespace.path(world.home), world)
            told = _control_plane(namespace.path(world.home))
            model = namespace.model_journal()
            internet = namespace.internet_journal()
    made = made_calls(played, model)

    def labels(events: Sequence[Event]) -> list[Label]:
        found = label(played, events, made)
        _check(played, driver, events, found)
        return found

    events = [*begun, *by_session([*transcript.events, *during(made, told)], held)]
    with _whole_or_nothing(recorder):
        recording = recorder.finish(out, harness_events=events, label=labels)
    return Outcome(recording, world, model, internet, transcript)


def _control_plane(home: Path) -> list[Event]:
    """Read what the run's control plane, if it has one, told through the hook."""
    log = home / ".local/state/agent-detection-workbench/hooks.jsonl"
    return list(hooks.read(log).events) if log.exists() else []


@contextmanager
def _whole_or_nothing(recorder: Recorder) -> Iterator[None]:
    """Keep nothing of a run that fails or is interrupted."""
    try:
        yield
    except BaseException:
        recorder.discard()
        raise


def _check(scenario: Scenario, driver: Driver, events: Sequence[Event], labels: Sequence[Label]) -> None:
    """Refuse a run in which a step left no process, or a malicious one nothing malicious.

    The harness refused it, or ended it before its time.
    """
    kernel = {event["event.id"] for event in events if event["event.category"] != "agent"}
    done = {label.step for label in labels if label.event_id in kernel}
    guilty = {label.step for label in labels if label.label == "malicious" and label.event_id in kernel}
    steps = scenario.steps
    if missed := [step.name for step in steps if step.name not in (guilty if step.malicious else done)]:
        raise CaptureError(
            f"{driver.name} did not run these steps of {scenario.name}: {', '.join(missed)}",
            mend="run it with another --agent",
        )
