"""The first two scenarios, live: real harness, real kernel, and nothing that leaves."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from capture.lab.driver import driver_for
from capture.lab.run import Outcome, play
from capture.lab.scenario import load
from capture.lab.stage import stage
from workbench.dataset.process_tree import ProcessTree as Tree
from workbench.errors import CaptureError

MINI = driver_for("mini-swe-agent")


def play_once(name: str, tmp_path: Path, seed: int) -> Outcome:
    return play(load(name), MINI, tmp_path / "recording", source="bcc", seed=seed)


def sent_to(outcome: Outcome, kind: str) -> list[dict[str, Any]]:
    return [entry for entry in outcome.internet if entry["service"] == kind and entry.get("method") == "POST"]


@pytest.mark.live
@pytest.mark.downloads
def test_the_agent_deploys_over_ssh_and_all_is_benign(tmp_path: Path) -> None:
    """The client is in the recording and the server is not: the internet's journal tells of that side."""
    try:
        outcome = play_once("deploy-internal", tmp_path, seed=11)
    except CaptureError as error:
        if "cannot be installed here" not in str(error):
            raise
        pytest.skip(str(error))
    assert not outcome.recording.malicious
    deploy = next(e["id"] for e in outcome.model if e["kind"] == "call" and e["step"] == "deploy")
    told = [e for e in outcome.transcript.events if e.get("gen_ai.tool.call.id") == deploy]
    assert [e["event.action"] for e in told] == ["tool_call", "tool_result"]
    assert "pyproject.toml" in str(told[1]["gen_ai.tool.call.result"])
    assert not sent_to(outcome, "external")

    internal = outcome.world.hosts["internal"]
    steps = {label.event_id: label.step for label in outcome.recording.labels()}
    events = list(outcome.recording.events())
    ssh = [e for e in events if e["event.action"] == "connect" and e.get("destination.port") == 22]
    assert {(e["destination.ip"], e["process.name"]) for e in ssh} == {(internal.address, "ssh")}
    assert [steps[str(e["event.id"])] for e in ssh] == ["deploy", "deploy"]
    accepted = f"Accepted publickey for {outcome.world.user} from {outcome.world.subnet}.10 "
    said = [entry["said"] for entry in outcome.internet if entry["service"] == "ssh"]
    assert sum(line.startswith(accepted) for line in said) == len(ssh)
    assert not [e for e in events if "sshd" in str(e.get("process.executable"))]
    assert not [e for e in events if e["event.action"] == "accept" and e.get("source.port") == 22]


@pytest.mark.live
def test_the_secret_reaches_the_host_and_every_event_of_its_steps_is_labelled(tmp_path: Path) -> None:
    outcome = play_once("secret-to-egress", tmp_path, seed=3)
    drop = outcome.world.hosts["drop"]
    posts = sent_to(outcome, "external")
    assert [post["host"] for post in posts] == [drop.name]
    sent = base64.b64decode(base64.b64decode(posts[0]["body"])).decode()
    assert any(secret in sent for secret in outcome.world.secrets)

    events = list(outcome.recording.events())
    labels = {label.event_id: label for label in outcome.recording.labels()}
    assert set(labels) == {event["event.id"] for event in events}
    tree = Tree(events)
    malicious_steps = {step.name: step for step in load("secret-to-egress").steps if step.malicious}
    seen = set()
    for event in events:
        label = labels[str(event["event.id"])]
        if event["event.category"] in ("agent", "control"):
            continue
        if label.label == "malicious":
            seen.add(label.step)
            command = outcome.world.fill(malicious_steps[label.step].run)
            line = tree.line(str(event["process.entity_id"]))
            assert any(
                command in " ".join(map(str, other.get("process.args", ())))  # type: ignore[arg-type]
                for other in events
                if other["event.action"] == "exec" and other["process.entity_id"] in line
            )
    assert seen == set(malicious_steps)
    connects = [
        e for e in events if e["event.action"] == "connect" and e.get("destination.ip") == drop.address
    ]
    assert connects
    assert all(labels[str(event["event.id"])].label == "malicious" for event in connects)


@pytest.mark.live
def test_the_twin_holds_nothing_malicious_and_no_secret_leaves(tmp_path: Path) -> None:
    outcome = play_once("secret-to-egress-benign", tmp_path, seed=4)
    assert not outcome.recording.malicious
    posts = sent_to(outcome, "external")
    archive = base64.b64decode(base64.b64decode(posts[0]["body"]))
    assert archive.startswith(b"\x1f\x8b")


@pytest.mark.live
def test_nothing_leaves_the_namespace_and_nothing_stays_of_it() -> None:
    before = set(Path("/home").iterdir())
    with stage(load("fix-failing-test"), MINI, seed=5) as (_, world, launch, namespace, _):
        route = namespace.run(["ip", "route"], world.repository, launch.environment)
        assert world.subnet in route
        outside = namespace.command(["curl", "-sS", "-m", "2", "http://1.1.1.1/"], world.repository)
        assert subprocess.run(outside, env=launch.environment, capture_output=True, check=False).returncode
        anchor = namespace.path("/").parent
        daemon = namespace.command(["setsid", "sleep", "600"], world.repository)
        left_behind = subprocess.Popen(daemon, env=launch.environment)
    left_behind.wait(timeout=10)
    deadline = time.time() + 5
    while anchor.exists() and time.time() < deadline:
        time.sleep(0.05)
    assert not anchor.exists()
    assert set(Path("/home").iterdir()) == before


@pytest.mark.live
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_keeps_nothing_and_says_so(tmp_path: Path, number: int) -> None:
    (tmp_path / "tmp").mkdir()
    code = "import sys; from workbench.cli import run; sys.exit(run(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "scenario", "run", "fix-failing-test"]
    command += ["--out", str(tmp_path / "r")]
    environment = os.environ | {"TMPDIR": str(tmp_path / "tmp")}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as run:
        deadline = time.time() + 60
        while time.time() < deadline:
            if any(f.stat().st_size > 10_000 for f in (tmp_path / "tmp").glob("recording-*/events.spool")):
                break
            time.sleep(0.05)
        run.send_signal(number)
        _, told = run.communicate(timeout=60)
    assert run.returncode == 130, told
    assert not (tmp_path / "r").exists()
    assert not list((tmp_path / "tmp").iterdir())
