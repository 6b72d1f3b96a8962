"""A sensor over a simulated day: recorded sessions follow each other, and every clock shows the day's time.

`day.py PLACE HOURS SESSIONS_AN_HOUR RECORDING…` prints a JSON line for each simulated hour: events so far,
the seconds it really took, and the resident memory. It is the whole sensor but its kernel source: joining,
scoring, responding, audit log, spool and a sink.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from workbench.dataset.parquet import read_events
from workbench.event import Event, Value
from workbench.pack.keys import read_private_key, trusted_keys
from workbench.sensor.audit import AuditLog
from workbench.sensor.feed import Feed
from workbench.sensor.health import Health
from workbench.sensor.packs import Packs
from workbench.sensor.sensor import Sensor
from workbench.sensor.sinks import open_sink
from workbench.sensor.spool import Spool

HOUR = 3_600_000_000_000
CHUNK = 64
_NAMES = (
    "process.entity_id",
    "process.parent.entity_id",
    "process.target.entity_id",
    "gen_ai.conversation.id",
)


class Clock:
    """The simulated day: put in the place of the process's clocks."""

    def __init__(self) -> None:
        self.now = time.time_ns()
        time.time_ns = time.monotonic_ns = lambda: self.now  # type: ignore[assignment]
        time.monotonic = lambda: self.now / 1e9  # type: ignore[assignment]


class Sessions:
    """A source that plays recordings as sessions never seen before, one after the other."""

    name, cannot_see, redacts, sent, lost = "day", (), False, 0, 0

    def __init__(self) -> None:
        self._given: list[dict[str, Value]] = []

    def give(self, events: list[dict[str, Value]]) -> None:
        """Hold events for the next poll."""
        self._given = events

    def traces(self, pid: int) -> bool:
        """There is no process."""
        return True

    def poll(self, timeout: float) -> list[dict[str, Value]]:
        """Give them."""
        given, self._given = self._given, []
        return given


def renamed(events: list[Event], number: int, begin: int) -> Iterator[dict[str, Value]]:
    """Give a recording's events as those of another session that begins at `begin`."""
    first = int(str(events[0]["@timestamp"]))
    for event in events:
        told = dict(event)
        told["@timestamp"] = int(str(event["@timestamp"])) - first + begin
        told["event.id"] = f"{number}-{event.get('event.id', '')}"
        for name in _NAMES:
            if name in told:
                told[name] = f"{told[name]}-{number}"
        yield told


def resident_mb() -> float:
    """Give this process's resident memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def main(place: Path, hours: int, an_hour: int, recordings: list[Path]) -> None:
    """Play the day."""
    played = [read_events(each / "events.parquet") for each in recordings]
    really = time.perf_counter
    began, clock = really(), Clock()
    start, source = clock.now, Sessions()
    spool = Spool(place / "spool", [open_sink(f"file:{place}/alerts")])
    packs = Packs(place / "p.pack", trusted_keys([place / "k.pub"]))
    audit = AuditLog(place / "audit.jsonl", read_private_key(place / "k"))
    sensor = Sensor(Feed(source), packs, audit, spool, health=Health())  # type: ignore[arg-type]
    spool.start()
    for number in range(hours * an_hour):
        begin = start + number * (HOUR // an_hour)
        events = list(renamed(played[number % len(played)], number, begin))
        for at in range(0, len(events), CHUNK):
            chunk = events[at : at + CHUNK]
            clock.now = max(clock.now, int(str(chunk[-1]["@timestamp"]))) + 1_000_000
            source.give(chunk)
            sensor.pump(0)
        if (number + 1) % an_hour == 0:
            told = {
                "hour": (number + 1) // an_hour,
                "events": sensor.events,
                "seconds": round(really() - began, 1),
                "rss_mb": round(resident_mb(), 1),
                "findings": sensor.counts["findings"],
            }
            print(msgspec.json.encode(told).decode(), flush=True)
    sensor.close()
    left = spool.end()
    audit.close()
    print(json.dumps({"left": sum(left.values()), "alerts": sensor.counts["alerts"]}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), [Path(each) for each in sys.argv[4:]])
