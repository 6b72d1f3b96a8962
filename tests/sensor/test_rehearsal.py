"""What is rehearsed is of the kind that comes, and leaves nothing behind."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from capture.replay import ReplaySource
from workbench.event import Value, check_event
from workbench.scorer import Scorer
from workbench.sensor.audit import AuditLog
from workbench.sensor.feed import Feed
from workbench.sensor.packs import Packs
from workbench.sensor.rehearsal import own_start
from workbench.sensor.sensor import Sensor
from workbench.sensor.spool import Spool


def test_our_own_start_is_told_in_events_with_our_modules_and_libraries_among_them() -> None:
    events = [check_event(event) for event in own_start()]
    paths = {str(event.get("file.path", "")) for event in events}
    assert any(path.endswith(".pyc") for path in paths)
    assert any(".so" in path for path in paths)
    assert events[0]["process.executable"] == sys.executable
    assert 100 < len(events) <= 2_001


def test_the_command_lines_that_are_to_come_are_told_first() -> None:
    lines = [event.get("process.command_line") for event in own_start(["env", "-i", "sh"])]
    assert lines[:4] == ["env -i sh", "-i sh", "sh", None]


class Rehearsing(ReplaySource):
    """A source whose rehearsal tells of one event."""

    def rehearse(self) -> list[dict[str, Value]]:
        return [
            {"@timestamp": 1, "event.category": "file", "event.action": "open", "file.path": "/rehearsed"}
        ]


def test_a_rehearsal_leaves_no_trace(make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    every_open = {
        "predicates": [["file.path", "contains", "/", False]],
        "rules": [{"id": "any", "title": "Anything is opened", "kinds": ["file/open"], "condition": 0}],
    }
    packs = Packs(make.write_pack(tmp_path / "test.pack", plan=every_open), [make.key.public_key()])
    audit = AuditLog(tmp_path / "audit.jsonl", make.key)
    quickstart = Path(__file__).parents[2] / "datasets" / "quickstart" / "recordings"
    feed = Feed(Rehearsing(path=next(quickstart.iterdir())))
    sensor = Sensor(feed, packs, audit, Spool(tmp_path / "spool", []))
    before = json.dumps(packs.scorer.snapshot()), audit.sequence
    scored: list[Any] = []
    score = Scorer.score
    monkeypatch.setattr(Scorer, "score", lambda self, event: scored.append(event) or score(self, event))
    sensor.rehearse(["sh", "-c", "true"])
    assert scored[0]["process.command_line"] == "sh -c true"
    assert scored[-1]["file.path"] == "/rehearsed"
    assert (json.dumps(packs.scorer.snapshot()), audit.sequence) == before
    assert sensor.counts["events"] == sensor.counts["findings"] == 0
