"""Take from a recording what tells only when and where it was made: dates, boot, the recorder's directory."""

from __future__ import annotations

import random
import re
import uuid
from pathlib import Path

import msgspec

from workbench.dataset.recording import Recording, write_recording
from workbench.dataset.session import Session
from workbench.event import TIMESTAMPS, Event, Value

SHIFT_NS = 15 * 86_400 * 1_000_000_000  # runs made one after another end up anywhere in 30 days
_HOUR_NS = 3_600 * 1_000_000_000
_WORKING_HOURS = (7, 19)
_DIRECTORY = "process.working_directory"
_ENTITY = re.compile(r"[0-9a-f-]{8}-([0-9a-f]+)-([0-9a-f]+)")


class Disguise:
    """One recording's new dates and boot; all times move together, so that every difference stays.

    >>> disguise = Disguise("seed")
    >>> one, other = {"@timestamp": 5_000}, {"@timestamp": 7_000}
    >>> disguise.apply(other)["@timestamp"] - disguise.apply(one)["@timestamp"]
    2000
    """

    def __init__(self, seed: str, begun_in: str = "") -> None:
        rng = random.Random(seed)  # noqa: S311 - a reproducible draw, not a secret
        self.shift = rng.randint(-SHIFT_NS, SHIFT_NS)
        self.uptime = rng.randint(0, SHIFT_NS)
        self._working_hour = rng.randrange(*_WORKING_HOURS)
        self.begun_in = begun_in
        self.boot = str(uuid.UUID(int=rng.getrandbits(128), version=4))

    def begin_at(self, started: int, hour: object) -> None:
        """Move what began at `started` (ns since 1970) to an hour of the day: `hour`, or a working one."""
        wanted = hour if isinstance(hour, int) else self._working_hour
        self.shift += (wanted - (started + self.shift) // _HOUR_NS % 24) * _HOUR_NS

    def entity(self, entity: str) -> str:
        """Give a process's entity id under the new boot."""
        found = _ENTITY.fullmatch(entity)
        return f"{self.boot[:8]}-{int(found[1], 16) + self.uptime:x}-{found[2]}" if found else entity

    def apply(self, event: Event) -> dict[str, Value]:
        """Give the event as it would read on another day after another boot."""
        changed = dict(event)
        for name, value in event.items():
            if name in TIMESTAMPS and isinstance(value, int):
                changed[name] = value + self.shift
            elif name.endswith(".entity_id"):
                changed[name] = self.entity(str(value))
            elif name == "host.id":
                changed[name] = self.boot
            elif name == _DIRECTORY and value == self.begun_in:
                changed[name] = "/"
        return changed


def disguise(recording: Recording, out: Path, seed: int = 0) -> Recording:
    """Write a copy on another date and under another boot id; the settings say so."""
    session = msgspec.convert(msgspec.to_builtins(recording.session), Session)
    events = list(recording.events())
    begun_in = next((str(e[_DIRECTORY]) for e in events if _DIRECTORY in e), "")
    how = Disguise(f"{seed}:{session.id}", "" if begun_in.startswith("/home/") else begun_in)
    how.begin_at(session.started, session.settings.get("hour"))
    session.started += how.shift
    session.ended += how.shift
    session.boot, session.root_entity_id = how.boot, how.entity(session.root_entity_id)
    session.settings["disguised"] = True
    return write_recording(out, map(how.apply, events), session, recording.labels())
