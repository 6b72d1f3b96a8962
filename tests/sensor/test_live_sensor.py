"""The whole sensor on a live kernel: a pack in, alerts and an audit log out, and agents that are stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.pack.keys import public_pem
from workbench.sensor.verify import verify

pytestmark = pytest.mark.live

AGENT = """
import subprocess, sys, time
done = subprocess.run(["sh", "-c", sys.argv[1]], capture_output=True, text=True)
print(done.returncode, done.stdout, done.stderr)
"""


def settled(condition: Callable[[], object], seconds: float = 120.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


class Run:
    """A sensor over a small agent that runs one shell command and prints what came of it."""

    def __init__(self, make: Any, place: Path, **pack: Any) -> None:
        self.place = place
        self.log = place / "audit.jsonl"
        (place / "trust.pub").write_bytes(public_pem(make.key))
        make.write_pack(place / "test.pack", **pack)
        (place / "agent.py").write_text(AGENT)

    def command(self, *options: str) -> list[str]:
        place = self.place
        return [
            *(str(Path(sys.executable).with_name("workbench")), "sensor", "run"),
            *("--pack", str(place / "test.pack"), "--trust", str(place / "trust.pub")),
            *("--audit", str(self.log), "--stats", str(place / "stats.json"), *options),
        ]

    def agent(self, shell: str) -> list[str]:
        return ["--", sys.executable, str(self.place / "agent.py"), shell]

    def run(self, shell: str, *options: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "HOME": str(self.place)}
        return subprocess.run(
            [*self.command(*options), *self.agent(shell)],
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
            env=environment,
            cwd=self.place,
        )

    def records(self, kind: str) -> list[dict[str, Any]]:
        told = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [record for record in told if record["kind"] == kind]

    def whole(self) -> bool:
        return verify(self.log, [self.log.with_name("audit.jsonl.key.pub")]).problems == []

    @property
    def stats(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads((self.place / "stats.json").read_text())
        return told


def test_without_enforce_nothing_is_ended_and_the_alert_says_what_would_have_been(
    make: Any, tmp_path: Path
) -> None:
    sensor = Run(make, tmp_path)
    done = sensor.run("touch canary; echo survived")
    assert "survived" in done.stdout
    alerts = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [alert["action"] for alert in alerts] == ["would_block"]
    assert sensor.records("would_block")
    assert not sensor.records("block")
    assert sensor.whole()
    assert sensor.stats["loss"]["dropped"] == 0


def test_enforcement_ends_the_command_tells_its_agent_why_and_what_had_happened(
    make: Any, tmp_path: Path
) -> None:
    sensor = Run(make, tmp_path)
    done = sensor.run("touch canary; (setsid sleep 900 &) ; sleep 900; echo survived", "--enforce")
    told = [line for line in done.stdout.splitlines() if not line.startswith("{")]
    assert told[0].startswith("-9")
    assert any("stopped by policy: The canary is touched" in line for line in told)
    assert not any("survived" in line for line in told)
    (block, *_) = sensor.records("block")
    assert "containment, not prevention" in block["body"]["means"]
    assert any("canary" in act for act in block["body"]["already_happened"])
    assert sensor.whole()


def test_an_open_that_a_rule_forbids_by_path_is_prevented(make: Any, tmp_path: Path) -> None:
    (tmp_path / "vault").mkdir()
    (tmp_path / "vault" / "canary").write_text("canary secret")
    sensor = Run(make, tmp_path)
    done = sensor.run(f"cat {tmp_path}/vault/canary; echo survived", "--enforce")
    assert "canary secret" not in done.stdout
    assert "not permitted" in done.stdout
    assert "survived" in done.stdout
    (prevented,) = sensor.records("prevented")
    assert prevented["body"]["rule"] == "canary"
    assert "nothing was read" in prevented["body"]["means"]
    assert "denied by policy" in done.stdout
    alerts = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert "prevented" in {alert["action"] for alert in alerts}
    assert not sensor.records("block")
    assert (tmp_path / "vault" / "canary").read_text() == "canary secret"


def test_two_agents_that_run_already_are_watched_as_two_sessions(make: Any, tmp_path: Path) -> None:
    sensor = Run(make, tmp_path)
    shell = "while [ ! -e go ]; do sleep 0.05; done; touch canary"
    agents = [subprocess.Popen(["sh", "-c", shell], cwd=tmp_path) for _ in range(2)]
    pids = [option for agent in agents for option in ("--pid", str(agent.pid))]
    with subprocess.Popen(
        sensor.command(*pids), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stderr is not None
        told = [running.stderr.readline() for _ in agents]
        (tmp_path / "go").touch()
        out, _ = running.communicate(timeout=240)
    for agent in agents:
        agent.wait()
    assert all("watching" in line for line in told)
    alerts = [json.loads(line) for line in out.splitlines()]
    assert len({alert["finding"]["session"] for alert in alerts}) == 2
    assert len(sensor.records("session_end")) == 2


@pytest.mark.parametrize("mode", ["open", "closed"])
def test_a_sensor_that_is_killed_leaves_the_agent_or_takes_it_along(
    make: Any, tmp_path: Path, mode: str
) -> None:
    sensor, alerts = Run(make, tmp_path), tmp_path / "alerts"
    mark, go, went_on = tmp_path / "started", tmp_path / "go", tmp_path / "went-on"
    shell = f"touch {mark}; while [ ! -e {go} ]; do sleep 0.05; done; touch {went_on}"
    running = subprocess.Popen(
        [*sensor.command("--on-failure", mode, "--sink", f"file:{alerts}"), *sensor.agent(shell)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert settled(mark.exists)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert settled(lambda: b'"sensor_died"' in sensor.log.read_bytes())
    (died,) = sensor.records("sensor_died")
    go.touch()
    if mode == "open":
        assert died["body"]["then"] == "the agent goes on, unwatched"
        assert settled(went_on.exists)
    else:
        assert died["body"]["then"] == "the agent was ended"
        assert not settled(went_on.exists, 1)
    assert settled(lambda: "the sensor was ended from outside" in alerts.read_text())
    assert sensor.whole()


def test_a_new_pack_is_taken_up_while_the_agent_runs(make: Any, tmp_path: Path) -> None:
    sensor = Run(make, tmp_path)
    go = tmp_path / "go"
    shell = f"while [ ! -e {go} ]; do sleep 0.05; done; /bin/true"
    with subprocess.Popen(
        [*sensor.command(), *sensor.agent(shell)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stderr is not None
        assert "watching" in running.stderr.readline()
        make.write_pack(tmp_path / "test.pack", "2", response="audit")
        assert settled(lambda: sensor.records("pack_loaded"))
        go.touch()
        out, _ = running.communicate(timeout=240)
    (loaded,) = sensor.records("pack_loaded")
    assert (loaded["body"]["version"], loaded["body"]["before"]["version"]) == ("2", "1")
    told = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    assert {alert["pack"].split()[1] for alert in told} == {"2"}


def test_an_agent_that_forks_many_times_is_followed_without_loss(make: Any, tmp_path: Path) -> None:
    sensor = Run(make, tmp_path)
    sensor.run("i=0; while [ $i -lt 2000 ]; do /bin/true; i=$((i+1)); done")
    assert sensor.stats["loss"]["dropped"] == 0
    assert len(sensor.records("finding")) == 2000
    assert sensor.stats["alerts"] < 5
    assert sensor.whole()


def test_an_agent_that_touches_its_sensor_is_reported_whatever_the_pack_says(
    make: Any, tmp_path: Path
) -> None:
    sensor = Run(make, tmp_path)
    shell = (
        f"kill -CONT $(ps -o ppid= $PPID); echo x >> {sensor.log}.note; chmod 600 {tmp_path}/test.pack; true"
    )
    sensor.run(shell)
    told = [record["body"]["finding"] for record in sensor.records("finding")]
    reasons = {
        finding["reason"].split(" ")[1] for finding in told if finding["rule_id"] == "sensor-tampering"
    }
    assert {"signal", "chmod"} <= reasons
    assert sensor.whole()
