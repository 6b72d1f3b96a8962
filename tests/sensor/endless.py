"""A sensor whose source never ends, run again and again in forks: what the tests of its death kill.

`endless.py DIRECTORY RUNS SEED`: each run but the last is killed at a random moment. Prints, as JSON, how
many events each run had scored when it told so last.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from workbench.dataset.session import Loss
from workbench.pack.keys import read_private_key
from workbench.sensor.audit import last_findings
from workbench.sensor.feed import Feed
from workbench.sensor.packs import Packs
from workbench.sensor.program import open_audit
from workbench.sensor.sensor import Sensor
from workbench.sensor.sinks import open_sink
from workbench.sensor.spool import Spool


class Endless:
    """One event a poll, each in a session of its own and each a finding."""

    name, cannot_see, redacts, sent, lost = "endless", (), False, 0, 0

    def __init__(self, run: int, most: int) -> None:
        self._run, self._most = run, most

    def traces(self, pid: int) -> bool:
        return True

    def poll(self, timeout: float) -> list[dict]:
        if self.sent == self._most:
            return []
        self.sent += 1
        return [
            {
                "@timestamp": time.time_ns(),
                "event.category": "process",
                "event.action": "exec",
                "event.id": f"r{self._run}-{self.sent}",
                "event.sequence": self.sent,
                "process.name": "true",
                "process.pid": self.sent,
                "process.entity_id": f"b-{self.sent:x}-{self.sent:x}",
                "gen_ai.conversation.id": f"s{self._run}-{self.sent}",
            }
        ]

    def settle(self) -> list[dict]:
        return []

    def stop(self) -> Loss:
        return Loss()


def run(place: Path, number: int, told: int, most: int) -> None:
    """Score until killed, telling of each event that was taken whole; or `most` events, to a proper end."""
    log = place / "audit.jsonl"
    audit = open_audit(log, read_private_key(place / "key"))
    unsent = last_findings(log) if audit.before.kind not in ("", "sensor_stop") else []
    spool = Spool(place / "spool", [open_sink(f"file:{place}/alerts")])
    packs = Packs(place / "test.pack", [place / "trust.pub"])
    sensor = Sensor(Feed(Endless(number, most)), packs, audit, spool)
    spool.start()
    sensor.responder.send_again(unsent)
    audit.append("sensor_start", {})
    while sensor.events < most:
        before = sensor.events
        sensor.pump(0)
        os.write(told, b"x" * (sensor.events - before))
    sensor.close()
    spool.end(10)
    audit.append("sensor_stop", {})
    audit.close()


def main(place: Path, runs: int, seed: int) -> None:
    chance = random.Random(seed)
    taken = []
    for number in range(runs + 1):
        there, here = os.pipe()
        if (pid := os.fork()) == 0:
            run(place, number, here, 1_000_000 if number < runs else 3)
            os._exit(0)
        os.close(here)
        count = len(os.read(there, 1))  # it runs
        if number < runs:
            time.sleep(chance.uniform(0, 0.08))
            os.kill(pid, signal.SIGKILL)
        with os.fdopen(there, "rb") as rest:
            count += len(rest.read())
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert status == (-signal.SIGKILL if number < runs else 0), (number, status)
        taken.append(count)
    print(json.dumps(taken))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
