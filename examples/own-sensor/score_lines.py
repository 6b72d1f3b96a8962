"""A sensor of your own: events as JSON lines on standard input, findings as JSON lines on standard output.

Nothing but `workbench.scorer` and what it stands on is used; no data frame or rule parser is loaded.

    python3 examples/own-sensor/score_lines.py exfil.pack signing.key.pub < events.jsonl > findings.jsonl

The state is kept in PACK.state, so that a sequence begun before a restart completes after it. SIGHUP takes up
a new pack with the old one's state; a pack that cannot be used leaves the running one in place.
"""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from workbench.errors import WorkbenchError
from workbench.event import check_event
from workbench.printable import counted
from workbench.scorer import Scorer


class OwnSensor:
    """Holds the scorer in force."""

    def __init__(self, pack: Path, trust: list[Path]) -> None:
        self._pack, self._trust = pack, trust
        self._state = pack.with_name(pack.name + ".state")
        self._reload = False
        self.fields = self.lines = 0  # what was left out; names that a stranger chose are not kept
        self.scorer = Scorer.load(pack, trust)
        if self._state.is_file():
            try:
                self.scorer.restore(msgspec.msgpack.decode(self._state.read_bytes()))
            except (WorkbenchError, ValueError) as error:
                self.scorer = Scorer.load(pack, trust)
                print(f"starting without state: {error}", file=sys.stderr)

    def ask_reload(self, *_: object) -> None:
        """Take up the pack file again before the next event."""
        self._reload = True

    def take(self, line: bytes) -> list[Any]:
        """Score one line; a line that is no event is counted and told, and never stops the sensor."""
        if self._reload:
            self._reload = False
            self._take_up()
        unknown: Counter[str] = Counter()
        try:
            event = check_event(msgspec.json.decode(line, type=dict), unknown)
        except (ValueError, RecursionError) as error:
            print(f"not an event: {error}", file=sys.stderr)
            self.lines += 1
            return []
        self.fields += unknown.total()
        return self.scorer.score(event)

    def _take_up(self) -> None:
        try:
            fresh = Scorer.load(self._pack, self._trust)
            fresh.restore(self.scorer.snapshot())
        except WorkbenchError as error:
            print(f"the running pack stays: {error}", file=sys.stderr)
        else:
            self.scorer = fresh

    def save(self) -> None:
        """Keep the state for the next start, whole or not at all."""
        aside = self._state.with_name(self._state.name + ".new")
        aside.write_bytes(msgspec.msgpack.encode(self.scorer.snapshot()))
        os.replace(aside, self._state)  # noqa: PTH105 - atomic


def main() -> int:
    """Score standard input to its end."""
    if len(sys.argv) < 3:
        print("usage: score_lines.py PACK PUBLIC_KEY… < events.jsonl", file=sys.stderr)
        return 2
    try:
        sensor = OwnSensor(Path(sys.argv[1]), [Path(key) for key in sys.argv[2:]])
    except WorkbenchError as error:
        print(error, file=sys.stderr)
        return 2
    signal.signal(signal.SIGHUP, sensor.ask_reload)
    for line in sys.stdin.buffer:
        for finding in sensor.take(line):
            sys.stdout.buffer.write(msgspec.json.encode(finding) + b"\n")
            sys.stdout.buffer.flush()
    sensor.save()
    if sensor.fields or sensor.lines:
        told = f"{counted(sensor.fields, 'unknown field')}, {counted(sensor.lines, 'line')}"
        print(f"left out: {told}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
