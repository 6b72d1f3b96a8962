"""The whole sensor on a live kernel: a pack in, alerts and an audit log out, and agents that are stopped.

Compiling the kernel programs takes seconds, so each sensor's one run is looked at by several tests.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from workbench.pack.keys import public_pem
from workbench.sensor.verify import verify

pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]

# Runs one shell command after the other, as an agent does, and keeps what came of each.
AGENT = """
import json, os, subprocess, sys
from pathlib import Path
os.environ |= {"SENSOR": str(os.getppid()), "ROOT": str(os.getpid())}
told = []
for command in sys.argv[1:]:
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    told.append([done.returncode, done.stdout, done.stderr])
    Path("told.json").write_text(json.dumps(told))
"""
# A connection to an address that the pack denies; prints what came of it.
CONNECT = "import socket; print(socket.socket().connect_ex(('127.0.0.9', 9)))"
SEIZE = 'import ctypes, os; ctypes.CDLL(None).ptrace(0x4206, int(os.environ["SENSOR"]), 0, 0)'
# Stops its sensor, does more than the kernel's buffer holds, and lets the sensor go on.
OPENS = '[open("/dev/null").close() for _ in range(60000)]'
FLOOD = f"kill -STOP $SENSOR; {sys.executable} -c '{OPENS}'; kill -CONT $SENSOR"
UNLOAD = Path(__file__).with_name("unload.py")
EPERM = 1
LONG = 100_000 + os.getpid()  # seconds, and what tells our sleeps from others'


def settled(condition: Callable[[], object], seconds: float = 300.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


class Run:
    """A sensor in a directory of its own, and what it left there."""

    def __init__(self, make: Any, place: Path) -> None:
        self.make, self.place, self.log = make, place, place / "audit.jsonl"
        (place / "trust.pub").write_bytes(public_pem(make.key))
        (place / "agent.py").write_text(AGENT)
        self.load_pack()

    def load_pack(self, *version: str) -> None:
        self.make.write_pack(self.place / "test.pack", *version)

    @contextmanager
    def started(self, *options: str, agent: list[str] | None = None) -> Iterator[subprocess.Popen[str]]:
        """The sensor while it runs, over an agent that runs these shell commands when any are given."""
        place = self.place
        command = [
            *(str(Path(sys.executable).with_name("workbench")), "sensor", "run"),
            *("--pack", str(place / "test.pack"), "--trust", str(place / "trust.pub")),
            *("--audit", str(self.log), "--stats", str(place / "stats.json")),
            *("--sink", f"file:{place}/alerts", *options),
            *(["--", sys.executable, "agent.py", *agent] if agent else []),
        ]
        environment = {**os.environ, "HOME": str(place)}
        with subprocess.Popen(
            command, cwd=place, env=environment, stderr=subprocess.PIPE, text=True
        ) as running:
            yield running

    def records(self, kind: str) -> list[dict[str, Any]]:
        told = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [record for record in told if record["kind"] == kind]

    def findings(self, rule: str) -> list[dict[str, Any]]:
        bodies = [record["body"] for record in self.records("finding")]
        return [body for body in bodies if body["finding"]["rule_id"] == rule]

    def tampering(self, how: str) -> list[str]:
        reasons = [body["finding"]["reason"] for body in self.findings("sensor-tampering")]
        return [reason for reason in reasons if how in reason]

    def alerts(self, rule: str) -> list[dict[str, Any]]:
        told = [json.loads(line) for line in (self.place / "alerts").read_text().splitlines()]
        return [alert for alert in told if alert["finding_info"]["analytic"]["uid"] == rule]

    @property
    def told(self) -> list[tuple[int, str, str]]:
        """What each of the agent's commands ended with: status, output, errors."""
        return [tuple(told) for told in json.loads((self.place / "told.json").read_text())]

    @property
    def stats(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads((self.place / "stats.json").read_text())
        return told

    def whole(self) -> bool:
        return verify(self.log, [self.log.with_name("audit.jsonl.key.pub")]).problems == []


@pytest.fixture(scope="module")
def watched(make: Any, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A sensor without --enforce, over an agent that does all that is forbidden, and gets a new pack."""
    run = Run(make, tmp_path_factory.mktemp("watched"))
    commands = [
        "i=0; while [ $i -lt 2000 ]; do /bin/true; i=$((i+1)); done",
        f"kill -CONT $SENSOR; echo x >> {run.log}.note; chmod 600 test.pack; echo x >> $WORKBENCH_HOOK_LOG",
        f"{sys.executable} -c '{SEIZE}'",
        "touch canary && echo survived",
        "touch ready; while [ ! -e go ]; do sleep 0.05; done; mkdir new && touch new/canary",
        f"{sys.executable} {UNLOAD}; while [ ! -e gone ]; do sleep 0.05; done",
    ]
    with run.started(agent=commands) as running:
        assert settled((run.place / "ready").exists)
        run.load_pack("2", "audit")
        assert settled(lambda: run.records("pack_loaded"))
        (run.place / "go").touch()
        assert settled(lambda: len(run.tampering("taken out of the sensor's sight")) == 2)
        (run.place / "gone").touch()
        assert running.wait() == 0
    return run


def test_without_enforce_nothing_is_ended_and_the_alert_says_what_would_have_been(watched: Run) -> None:
    assert watched.told[3] == (0, "survived\n", "")
    (told,) = watched.records("would_block")
    assert told["session"] == watched.records("session_start")[0]["session"]
    assert watched.alerts("canary")[0]["unmapped"]["done"] == "would_block"
    assert not watched.records("block")
    assert watched.stats["loss"]["dropped"] == 0
    assert watched.whole()


def test_an_agent_that_forks_many_times_is_followed_without_loss(watched: Run) -> None:
    assert len(watched.findings("true")) == 2000
    assert len(watched.alerts("true")) < 5
    assert watched.stats["loss"]["dropped"] == 0


def test_an_agent_that_touches_its_sensor_is_reported_whatever_the_pack_says(watched: Run) -> None:
    assert watched.tampering("process signal to the sensor")
    assert watched.tampering("process ptrace to the sensor")
    assert watched.tampering(f"file chmod of {watched.place}/test.pack")
    assert watched.tampering(f"file create of {watched.log}.note")
    assert watched.tampering("hooks.jsonl")
    assert len(set(watched.tampering("taken out of the sensor's sight"))) == 2
    assert watched.alerts("sensor-tampering")


def test_a_new_pack_is_taken_up_while_the_agent_runs(watched: Run) -> None:
    (loaded,) = watched.records("pack_loaded")
    assert (loaded["body"]["version"], loaded["body"]["before"]["version"]) == ("2", "1")
    before, after = watched.findings("canary")
    assert before["verdict"]["decision"] == "block"
    assert after["finding"]["response"] == "audit"


@pytest.fixture(scope="module")
def enforced(make: Any, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A sensor with --enforce, over an agent that meets each means of enforcement."""
    run = Run(make, tmp_path_factory.mktemp("enforced"))
    (run.place / "vault").mkdir()
    (run.place / "vault" / "canary").write_text("canary secret")
    commands = [
        f"touch canary; (setsid sleep {LONG} &) ; sleep {LONG}; echo survived",
        f"cat {run.place}/vault/canary; echo survived",
        f'{sys.executable} -c "{CONNECT}"; echo survived',
    ]
    with run.started("--enforce", agent=commands) as running:
        assert running.wait() == 0
    return run


def test_enforcement_ends_the_command_tells_its_agent_why_and_what_had_happened(enforced: Run) -> None:
    status, out, error = enforced.told[0]
    assert (status, out) == (-9, "")
    assert "stopped by policy: The canary is touched" in error
    (block,) = enforced.records("block")
    assert "containment, not prevention" in block["body"]["means"]
    assert "after the signal" in block["body"]["prevented"]
    assert any("canary" in act for act in block["body"]["already_happened"])
    assert settled(lambda: subprocess.run(["pgrep", "-f", f"^sleep {LONG}"], check=False).returncode == 1)
    assert enforced.whole()


def test_an_open_that_a_rule_forbids_by_path_is_prevented(enforced: Run) -> None:
    _, out, error = enforced.told[1]
    assert out == "survived\n"
    assert "not permitted" in error
    assert "denied by policy" in error
    (prevented,) = [r["body"] for r in enforced.records("prevented") if r["body"]["rule"] == "canary"]
    assert "nothing was read" in prevented["means"]
    assert prevented["already_happened"] == []
    assert [a["unmapped"]["done"] for a in enforced.alerts("canary")] == ["contained", "prevented"]
    assert (enforced.place / "vault" / "canary").read_text() == "canary secret"


def test_a_connection_that_a_rule_forbids_by_address_is_prevented(enforced: Run) -> None:
    _, out, error = enforced.told[2]
    assert out == f"{EPERM}\nsurvived\n"
    assert "denied by policy" in error
    (prevented,) = [r["body"] for r in enforced.records("prevented") if r["body"]["rule"] == "address"]
    assert "nothing was sent" in prevented["means"]
    assert prevented["prevented"] == "network connect 127.0.0.9"


# Goes on in another process once the first has ended, as a program that starts itself anew.
RESTARTS = "while [ ! -e go ]; do sleep 0.05; done; (while kill -0 $$; do sleep 0.05; done; touch a/canary) &"
# Starts an agent of its own, and works beside it.
STARTS_ANOTHER = """
sh -c 'echo $$ > inner; while [ ! -e go ]; do sleep 0.05; done; touch b/canary' &
while [ ! -e go ]; do sleep 0.05; done; touch c/canary; wait
"""


def test_agents_at_once_nested_and_restarted_are_a_session_each_to_their_end(
    make: Any, tmp_path: Path
) -> None:
    run = Run(make, tmp_path)
    for name in "abc":
        (tmp_path / name).mkdir()
    agents = [
        subprocess.Popen(["sh", "-c", shell], cwd=tmp_path, stderr=subprocess.DEVNULL)
        for shell in (RESTARTS, STARTS_ANOTHER)
    ]
    inner = tmp_path / "inner"
    assert settled(lambda: inner.exists() and inner.read_text().endswith("\n"))
    pids = [str(agents[0].pid), str(agents[1].pid), inner.read_text().strip()]
    with run.started(*(option for pid in pids for option in ("--pid", pid))) as running:
        assert running.stderr is not None
        told = [running.stderr.readline() for _ in pids]
        (tmp_path / "go").touch()
        for agent in agents:
            agent.wait()
        assert running.wait() == 0
    assert all("watching" in line for line in told)
    sessions = {
        record["body"]["event"]["process.pid"]: record["session"] for record in run.records("session_start")
    }
    where = {
        Path(str(body["evidence"][-1]["file.path"])).parent.name: body["finding"]["session"]
        for body in run.findings("canary")
    }
    assert where == dict(zip("acb", (sessions[int(pid)] for pid in pids), strict=True))
    assert len(set(where.values())) == len(run.records("session_end")) == 3


@pytest.fixture(scope="module")
def killed(make: Any, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A sensor that its agent stops for the length of a flood, and that is killed later."""
    run = Run(make, tmp_path_factory.mktemp("killed"))
    started, go = run.place / "started", run.place / "go"
    # Made over and over, since the kernel's buffer may still be full when the flood has just ended.
    again = f"while [ ! -e {go} ]; do rm -f canary; touch canary; sleep 0.05; done"
    shell = f"touch started; {again}; touch went-on"
    with run.started("--on-failure", "closed", agent=[FLOOD, shell]) as running:
        assert settled(started.exists)
        assert settled(lambda: run.log.exists() and run.findings("canary"))
        assert settled(lambda: any("events_lost" in record["body"] for record in run.records("gap")))
        running.send_signal(signal.SIGKILL)
    assert settled(lambda: run.records("sensor_died"))
    go.touch()
    return run


def test_what_an_agent_hides_by_stopping_its_sensor_is_counted_and_the_rest_is_seen(killed: Run) -> None:
    lost = sum(record["body"].get("events_lost", 0) for record in killed.records("gap"))
    assert 0 < lost < 60_000
    assert killed.tampering("process signal to the sensor")
    assert killed.findings("canary")


def test_a_sensor_that_is_killed_takes_the_agent_along_where_that_was_asked_for(killed: Run) -> None:
    assert killed.records("sensor_died")[0]["body"]["then"] == "the agent was ended"
    assert settled(lambda: killed.alerts("sensor-tampering"))
    assert not (killed.place / "went-on").exists()
    assert killed.whole()
