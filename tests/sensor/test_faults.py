"""What befalls a sensor: killed at any moment, a full disk, clocks that are set, a burst, a spoilt event."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from workbench.event import entity_id
from workbench.pack.keys import generate_key, public_pem
from workbench.sensor.audit import AuditLog
from workbench.sensor.feed import Feed, HookLog
from workbench.sensor.health import Health
from workbench.sensor.packs import Packs
from workbench.sensor.sensor import Sensor
from workbench.sensor.sinks import SinkError
from workbench.sensor.spool import Spool
from workbench.sensor.tampering import RULE
from workbench.sensor.verify import verify

SECOND = 1_000_000_000


def records(log: Path) -> list[dict[str, Any]]:
    found = []
    for line in log.read_bytes().splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue  # what a killed writer left; a `recovered` record has its digest
    return found


def test_killed_at_twenty_random_moments_nothing_that_was_taken_is_lost(make: Any, tmp_path: Path) -> None:
    generate_key(tmp_path / "key")
    (tmp_path / "trust.pub").write_bytes(public_pem(make.key))
    make.write_pack(tmp_path / "test.pack")
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("endless.py"), tmp_path, "20", "7"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    taken = json.loads(done.stdout)
    log = tmp_path / "audit.jsonl"
    assert verify(log, [tmp_path / "key.pub"]).problems == []
    told = records(log)
    kinds = Counter(record["kind"] for record in told)
    assert kinds["unclean_stop"] == 20
    found = [record["body"] for record in told if record["kind"] == "finding"]
    names = {body["finding"]["event_id"] for body in found}
    for run, count in enumerate(taken):
        assert {f"r{run}-{number}" for number in range(1, count + 1)} <= names
    alerts = {json.loads(line)["metadata"]["uid"] for line in (tmp_path / "alerts").read_bytes().splitlines()}
    assert {body["uid"] for body in found if body["verdict"]["decision"] != "audit"} <= alerts


class Still:
    """A source that says what it is told to say."""

    name, cannot_see, redacts, sent, lost = "still", (), False, 0, 0

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.tracing = True

    def traces(self, pid: int) -> bool:
        return self.tracing

    def poll(self, timeout: float) -> list[dict[str, Any]]:
        given, self.events = self.events, []
        return given

    def settle(self) -> list[dict[str, Any]]:
        return []


class Run:
    """A sensor over a still source, with clocks of its own."""

    def __init__(self, make: Any, place: Path, *sinks: Any) -> None:
        self.source, self.log = Still(), place / "audit.jsonl"
        self.wall = self.steady = time.time_ns()
        self.audit = AuditLog(self.log, make.key)
        packs = Packs(make.write_pack(place / "test.pack"), [make.key.public_key()])
        self.spool = Spool(place / "spool", sinks)
        health = Health(spool=self.spool, wall=lambda: self.wall, steady=lambda: self.steady)
        self.sensor = Sensor(Feed(self.source), packs, self.audit, self.spool, health=health)  # type: ignore[arg-type]

    def happen(self, *events: dict[str, Any]) -> None:
        self.source.events = list(events)
        self.sensor.take(self.sensor.feed.drain())
        self.sensor._keep_house()

    def told(self, kind: str) -> list[dict[str, Any]]:
        return [record["body"] for record in records(self.log) if record["kind"] == kind]


@pytest.fixture
def run(make: Any, tmp_path: Path) -> Run:
    return Run(make, tmp_path)


def execution(number: int, at: int, name: str = "true") -> dict[str, Any]:
    return {
        "@timestamp": at,
        "event.category": "process",
        "event.action": "exec",
        "event.id": f"e{number}",
        "event.sequence": number,
        "process.name": name,
        "process.pid": number,
        "gen_ai.conversation.id": f"s{number}",
    }


@pytest.mark.parametrize("step", [3600, -3600])
def test_a_clock_that_is_set_is_told_and_stops_nothing(run: Run, step: int) -> None:
    run.happen(execution(1, run.wall))
    run.wall += step * SECOND
    run.happen(execution(2, run.wall))
    assert [told["seconds"] for told in run.told("clock_step")] == [step]
    run.wall -= step * SECOND
    run.happen(execution(3, run.wall))
    assert len(run.told("finding")) == 3
    assert [told["seconds"] for told in run.told("clock_step")] == [step, -step]


class Unreached:
    name = "unreached"

    def __init__(self) -> None:
        self.asked = threading.Event()

    def send(self, alerts: list[Any]) -> None:
        self.asked.set()
        raise SinkError("example.org answered 503")


def test_a_sink_that_fails_is_told_once(make: Any, tmp_path: Path) -> None:
    sink = Unreached()
    run = Run(make, tmp_path, sink)
    run.spool.start()
    run.happen(execution(1, run.wall))
    assert sink.asked.wait(5)
    told = {"sink": "unreached", "because": "example.org answered 503"}
    deadline = time.monotonic() + 5
    while not run.told("delivery_fails") and time.monotonic() < deadline:
        run.happen()
    run.happen()
    assert run.told("delivery_fails") == [told]
    run.spool.end(1)


def test_only_what_can_be_evidence_is_kept(run: Run) -> None:
    run.happen(execution(1, run.wall), *(execution(n, run.wall + n, "sleep") for n in range(2, 50)))
    assert list(run.sensor._recent) == ["e1"]


def test_a_sensor_that_was_stopped_says_for_how_long(run: Run) -> None:
    run.happen()
    run.wall += 42 * SECOND
    run.steady += 42 * SECOND
    run.happen()
    assert run.told("gap") == [{"because": "the sensor did not run", "seconds": 42.0}]


def test_what_the_kernel_dropped_is_told_while_it_happens(run: Run) -> None:
    run.happen()
    run.source.lost = 17
    run.happen()
    run.happen()
    assert [told["events_lost"] for told in run.told("gap")] == [17]


def test_what_runs_untraced_is_told_once_and_what_is_ending_is_not(run: Run) -> None:
    with subprocess.Popen(["sleep", "300"]) as hidden:
        start = int(Path(f"/proc/{hidden.pid}/stat").read_text().rpartition(")")[2].split()[19])
        tick = SECOND // os.sysconf("SC_CLK_TCK")
        event = execution(1, run.wall) | {"process.pid": hidden.pid}
        run.happen(event | {"process.entity_id": entity_id("b", start * tick, hidden.pid)})
        run.source.tracing = False
        run.happen()
        assert not [told for told in run.told("finding") if told["finding"]["rule_id"] == RULE]
        run.happen()
        run.happen()
        hidden.kill()
    (told,) = [told["finding"] for told in run.told("finding") if told["finding"]["rule_id"] == RULE]
    assert told["reason"] == f"process {hidden.pid} was taken out of the sensor's sight"
    assert told["session"] == "s1"


def test_a_process_whose_end_was_lost_is_not_taken_for_the_one_that_has_its_id_now(run: Run) -> None:
    event = execution(1, run.wall) | {"process.pid": os.getpid()}
    run.happen(event | {"process.entity_id": entity_id("b", SECOND, os.getpid())})
    run.source.tracing = False
    run.happen()
    run.happen()
    assert not [told for told in run.told("finding") if told["finding"]["rule_id"] == RULE]


def test_an_event_that_cannot_be_scored_is_counted_and_stops_nothing(run: Run) -> None:
    run.happen(execution(1, -(2**70)), execution(2, run.wall))
    assert [body["finding"]["event_id"] for body in run.told("finding")][-1] == "e2"
    assert sum(told.get("events_not_scored", 0) for told in run.told("gap")) == 1


def test_hooks_that_are_cut_or_no_events_are_counted(run: Run, tmp_path: Path) -> None:
    hooks = tmp_path / "hooks.jsonl"
    run.sensor.feed.hooks = HookLog(hooks)
    hooks.write_text("{broken\n")
    run.happen()
    hooks.write_text("")
    run.happen()
    assert {told["because"] for told in run.told("gap")} == {"not an event", "the hooks' file was cut"}


def test_hooks_with_strange_keys_are_told_in_one_record(run: Run, tmp_path: Path) -> None:
    hooks = tmp_path / "hooks.jsonl"
    run.sensor.feed.hooks = HookLog(hooks)
    told = {"@timestamp": 1, "event.category": "agent", "event.action": "tool_call"}
    hooks.write_text(json.dumps(told | {f"k{number}": 1 for number in range(5_000)}) + "\n")
    run.happen()
    assert run.told("gap") == [{"hook_lines": 5_000, "because": "k0, k1, k2, k3, k4, …"}]
