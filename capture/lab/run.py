"""Run a scenario with a real harness in its own small internet, and record it with labels."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from capture.harness.transcript import Transcript
from capture.lab.driver import driver_for
from capture.lab.driver.base import Driver, Launch
from capture.lab.home import furnish
from capture.lab.label import label, made_calls
from capture.lab.model.script import Script, Turn
from capture.lab.namespace import UID, Layout, Namespace, Site, why_not
from capture.lab.repository import repository
from capture.lab.scenario import Scenario, load
from capture.lab.world import World
from capture.recorder import Recorder
from capture.source import open_source
from workbench.dataset.recording import Recording
from workbench.errors import CaptureError
from workbench.event import Event

_STANDING_HOSTS = {"code": "code_host", "mail": "internal", "internal": "internal", "store": "external"}
"""Hosts of every run, so that the home's files can name them."""


@dataclass
class Outcome:
    """What a run left: the recording, what the model said, what the internet saw, what the harness wrote."""

    recording: Recording
    world: World
    model: list[dict[str, Any]] = field(default_factory=list)
    internet: list[dict[str, Any]] = field(default_factory=list)
    transcript: Transcript | None = None


def run_scenario(name: str, agent: str, out: Path, source: str = "auto", seed: int = 0) -> Recording:
    """Run the scenario `name` with the harness `agent` and write its labelled recording to `out`.

    Raises InputError for an unknown scenario or agent, CaptureError when it cannot run here.
    """
    return play(load(name), driver_for(agent), out, source=source, seed=seed).recording


def play(
    scenario: Scenario,
    driver: Driver,
    out: Path,
    *,
    source: str = "auto",
    seed: int = 0,
    timeout: float = 180,
) -> Outcome:
    """Run a scenario and give all that was seen; see `run_scenario`."""
    with stage(scenario, driver, seed) as (world, launch, namespace):
        recorder = Recorder(
            open_source(source),
            agent=driver.name,
            session_id=world.session,
            settings={"scenario": scenario.name, "twin_of": scenario.twin_of, "seed": seed},
        )
        with Path("/dev/null").open("wb") as nowhere:
            recorder.run(
                namespace.command(launch.command, world.repository),
                env=launch.environment,
                stdout=nowhere,
                timeout=timeout,
            )
        time.sleep(0.05)
        transcript = driver.transcript(namespace.path(world.home), world)
        model = namespace.model_journal()
        made = made_calls(scenario, model)

        def labels(events: Any) -> Any:
            return label(scenario, events, made)

        recording = recorder.finish(out, harness_events=session_events(transcript, world), label=labels)
        return Outcome(recording, world, model, namespace.internet_journal(), transcript)


@contextmanager
def stage(scenario: Scenario, driver: Driver, seed: int) -> Iterator[tuple[World, Launch, Namespace]]:
    """Give the world, the launch and the namespace of a run, all set up and not yet started."""
    if reason := why_not():
        raise CaptureError(f"scenario {scenario.name} cannot run: {reason}", mend="run as root on Linux")
    missing = [program for program in scenario.needs if shutil.which(program) is None]
    if missing:
        raise CaptureError(
            f"scenario {scenario.name} needs {', '.join(missing)}",
            mend="install them, or choose another scenario",
        )
    world = make_world(scenario, seed)
    launch = driver.launch(world, world.fill(world.random.choice(scenario.task)))
    script = make_script(scenario, driver, world)
    with (
        tempfile.TemporaryDirectory(prefix="etc.") as etc,
        Namespace(make_layout(scenario, world, launch, Path(etc)), script) as namespace,
    ):
        environment = {
            "HOME": world.home,
            "USER": world.user,
            "LOGNAME": world.user,
            "SHELL": "/bin/bash",
            "PATH": f"{world.home}/.local/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            **launch.environment,
        }
        port = str(namespace.port)
        launch = Launch(
            command=[part.replace("{port}", port) for part in launch.command],
            environment={name: text.replace("{port}", port) for name, text in environment.items()},
        )
        for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "Start"]):
            namespace.run(["git", *command], world.repository, launch.environment)
        yield world, launch, namespace


def make_world(scenario: Scenario, seed: int) -> World:
    """Draw the world of a run: hosts first, then the scenario's parameters, which may name them."""
    world = World(seed)
    for role, kind in (_STANDING_HOSTS | scenario.hosts).items():
        world.add_host(role, kind)
    world.draw(scenario.parameters)
    return world


def make_script(scenario: Scenario, driver: Driver, world: World) -> Script:
    """Put the scenario's steps into the words of a model, with call ids of their own."""
    turns = [
        Turn(
            step=step.name,
            id=f"call_{world.token(24)}",
            tool=step.tool or "shell",
            arguments=dict(step.arguments) if step.tool else {"command": world.fill(step.run)},
            say=world.fill(step.say),
        )
        for step in scenario.steps
    ]
    return Script(
        turns=driver.close_script(turns, world), seed=world.seed, port=world.random.randrange(20_000, 60_000)
    )


def make_layout(scenario: Scenario, world: World, launch: Launch, etc: Path) -> Layout:
    """Lay out the run: the home, the repository, the harness, names and addresses."""
    files = furnish(world) | repository(scenario.repository, world) | launch.files
    texts = {
        "resolv.conf": f"nameserver {world.subnet}.1\noptions timeout:1 attempts:1\n",
        "hosts": f"127.0.0.1 localhost\n::1 localhost\n{world.subnet}.10 {world.user}-laptop\n",
        "passwd": f"root:x:0:0:root:/root:/bin/bash\n{world.user}:x:{UID}:{UID}::{world.home}:/bin/bash\n",
        "group": f"root:x:0:\n{world.user}:x:{UID}:\n",
    }
    binds = dict(launch.binds)
    for name, text in texts.items():
        (etc / name).write_text(text)
        (etc / name).chmod(0o644)
        binds[str(etc / name)] = f"/etc/{name}"
    return Layout(
        subnet=world.subnet,
        hostname=f"{world.user}-laptop",
        files=files,
        binds=binds,
        zone={host.name: [host.address] for host in world.hosts.values()},
        sites=[
            Site(address=host.address, port=port, kind=host.kind)
            for host in world.hosts.values()
            for port in (80, 8080)
        ],
    )


def session_events(transcript: Transcript, world: World) -> list[Event]:
    """Give the transcript's events under the session's own id."""
    return [{**event, "gen_ai.conversation.id": world.session} for event in transcript.events]
