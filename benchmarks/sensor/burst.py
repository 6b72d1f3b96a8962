"""What each stage of the sensor takes of a core while an interpreter starts, and how long verdicts wait.

    burst.py PACK TRUST COMMAND…

The command is traced and its records only kept, so that they have the times of a start that nothing holds up.
Then they are decoded, put in order and scored, as many at a time as the reader takes when it is behind, in
CPU time. Prints JSON: records, the most of them in so many milliseconds, microseconds a record by stage, and
how long they would have waited, had each taken its share when it came.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path
from time import thread_time_ns

from capture.bcc.records import when
from capture.bcc.source import BccSource
from capture.source import Child
from workbench.pack.keys import generate_key, read_private_key, trusted_keys
from workbench.sensor.audit import AuditLog
from workbench.sensor.feed import Feed, Reorder
from workbench.sensor.packs import Packs
from workbench.sensor.sensor import Sensor
from workbench.sensor.spool import Spool
from workbench.sensor.watch import Agent, Watch

AT_ONCE = 64
WINDOWS_MS = (1, 5, 20)
_MS = 1_000_000
_ALL_RIPE = 1 << 62
_NICE = -15
"""The command goes before other work: its records are to come as they would with nothing beside it."""


class Kept:
    """A ring that gives what it is handed."""

    filled = False

    def __init__(self) -> None:
        self.records: list[bytes] = []

    def wait(self, timeout: float) -> None:
        """There is always something."""

    def read(self) -> list[bytes]:
        """Give it once."""
        records, self.records = self.records, []
        return records

    def close(self) -> None:
        """There is nothing to close."""


def records_of(source: BccSource, command: list[str]) -> list[bytes]:
    """Trace a command; give the records it left, in the kernel's order."""
    child = Child(command, prepare=lambda: os.setpriority(os.PRIO_PROCESS, 0, _NICE))
    source.start(child.pid)
    child.release()
    records: list[bytes] = []
    while child.poll() is None or source._ring.filled:
        source._ring.wait(0.01)
        records += source._ring.read()
    return records


def waits_ms(arrivals: list[int], takes: list[float]) -> list[float]:
    """Give how long each waits till it is done, sorted, when they are taken one after the other."""
    free, waits = 0.0, []
    for arrival, take in zip(arrivals, takes, strict=True):
        free = max(free, arrival) + take
        waits.append((free - arrival) / _MS)
    return sorted(waits)


def main(pack: Path, trust: Path, command: list[str], place: Path) -> None:
    """Trace, replay, print."""
    source, ring = BccSource(), Kept()
    generate_key(place / "k")
    audit = AuditLog(place / "audit.jsonl", read_private_key(place / "k"))
    sensor = Sensor(Feed(source), Packs(pack, trusted_keys([trust])), audit, Spool(place / "spool", []))
    watch, order = Watch(sensor), Reorder()
    records = records_of(source, command)
    source._ring.close()
    source._ring = ring  # type: ignore[assignment]  # gives what was kept, in place of the kernel
    watch._agents.append(Agent("burst", "unknown", int.from_bytes(records[0][24:28], "little")))
    sensor.rehearse()
    gc.collect()
    gc.freeze()
    gc.disable()
    spent: Counter[str] = Counter()
    takes: list[float] = []
    for start in range(0, len(records), AT_ONCE):
        ring.records = records[start : start + AT_ONCE]
        count, began = len(ring.records), thread_time_ns()
        events = source.poll(0)
        decoded = thread_time_ns()
        order.put(events, 0)
        events = order.take(_ALL_RIPE, _ALL_RIPE)
        ordered = thread_time_ns()
        sensor.take(events, watch._heed)
        done = thread_time_ns()
        spent.update(decode=decoded - began, order=ordered - decoded, score=done - ordered)
        takes += [(done - began) / count] * count
    arrivals = [when(record)[0] for record in records]
    waits = waits_ms(arrivals, takes)
    told = {
        "records": len(records),
        "seconds": (arrivals[-1] - arrivals[0]) / 1e9,
        "most": {ms: max(Counter(at // (ms * _MS) for at in arrivals).values()) for ms in WINDOWS_MS},
        "us": {stage: ns / len(records) / 1_000 for stage, ns in spent.items()},
        "wait_ms": {name: waits[int(len(waits) * part)] for name, part in (("p50", 0.5), ("p99", 0.99))},
        "longest_ms": waits[-1],
    }
    source.stop()
    audit.close()
    print(json.dumps(told))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:], Path(scratch))
