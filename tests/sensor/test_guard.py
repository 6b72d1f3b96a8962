"""The guard: it tells of a sensor that was killed, and is quiet about one that said it was done."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.pack.keys import generate_key
from workbench.sensor.verify import verify

# Holds its log, a sink and a guard, as a sensor does, until it is killed or told that it is done. What it
# says goes to the guard's end of a pipe too, so that reading to its end waits for the guard.
SENSOR = """
import sys
from pathlib import Path
from workbench.pack.keys import read_private_key
from workbench.sensor.audit import AuditLog
from workbench.sensor.guard import Guard
from workbench.sensor.sinks import open_sink
place = Path(sys.argv[1])
key, sinks = read_private_key(place / "key"), [f"file:{place}/alerts"]
held = [open_sink(url) for url in sinks]
sinks.insert(0, None)  # whatever is wrong with one, the next is told
log = AuditLog(place / "audit.jsonl", key)
guard = Guard(place / "audit.jsonl", key, sinks)
print("held", flush=True)
sys.stdin.readline()
guard.end()
log.close()
"""


@pytest.mark.parametrize("killed", [True, False])
def test_a_killed_sensor_is_told_of_and_one_that_is_done_is_not(tmp_path: Path, killed: bool) -> None:
    generate_key(tmp_path / "key")
    with subprocess.Popen(
        [sys.executable, "-c", SENSOR, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as sensor:
        assert sensor.stdin is not None
        assert sensor.stdout is not None
        assert sensor.stdout.readline() == "held\n"
        if killed:
            sensor.send_signal(signal.SIGKILL)
        else:
            sensor.stdin.write("\n")
            sensor.stdin.flush()
        assert sensor.stdout.read() == ""
    log = tmp_path / "audit.jsonl"
    told = [
        record
        for line in log.read_text().splitlines()
        if (record := json.loads(line))["kind"] != "checkpoint"
    ]
    assert [record["kind"] for record in told] == ["sensor_died"] * killed
    alerts = (tmp_path / "alerts").read_text().splitlines()
    assert len(alerts) == killed
    if killed:
        assert told[0]["body"]["then"] == "the agent goes on, unwatched"
        assert "the sensor was ended from outside" in alerts[0]
    assert verify(log, [tmp_path / "key.pub"]).problems == []
