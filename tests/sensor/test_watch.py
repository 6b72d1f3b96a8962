"""An agent that is watched, and what becomes of it when its sensor fails."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.sensor.conftest import KEY, write_pack
from workbench.sensor.alert import Alert
from workbench.sensor.audit import AuditLog
from workbench.sensor.feed import Feed
from workbench.sensor.packs import Packs
from workbench.sensor.sensor import Sensor
from workbench.sensor.watch import Watch


class Breaking:
    """A source that sees nothing and breaks when it is asked for what it saw."""

    name, cannot_see, redacts, sent, lost = "breaking", (), False, 0, 0

    def rehearse(self) -> list[dict[str, Any]]:
        return []

    def start(self, root: int) -> None: ...

    def traces(self, pid: int) -> bool:
        return True

    def poll(self, timeout: float) -> list[dict[str, Any]]:
        time.sleep(0.2)
        raise RuntimeError("the reader broke")


class Nowhere:
    """An outbox that takes everything."""

    def put(self, alert: Alert) -> int:
        return 0

    def keep_house(self) -> dict[str, int]:
        return {}


def watch_one(place: Path, *, closed: bool) -> tuple[list[dict[str, Any]], Path]:
    """Watch a command that leaves a file after a while; gives the audit records and that file."""
    left = place / "left"
    packs = Packs(write_pack(place / "test.pack"), [KEY.public_key()])
    audit = AuditLog(place / "audit.jsonl", Ed25519PrivateKey.generate())
    sensor = Sensor(Feed(Breaking()), packs, audit, Nowhere())
    with pytest.raises(RuntimeError, match="the reader broke"):
        Watch(sensor).run(["sh", "-c", f"sleep 1.5; echo went on > {left}"], closed=closed)
    audit.close()
    return [json.loads(line) for line in (place / "audit.jsonl").read_text().splitlines()], left


def test_fail_closed_ends_the_agent_before_it_says_so(tmp_path: Path) -> None:
    begun = time.monotonic()
    records, left = watch_one(tmp_path, closed=True)
    assert time.monotonic() - begun < 1.5
    assert [each["body"]["then"] for each in records if each["kind"] == "sensor_failed"] == [
        "the agent was ended"
    ]
    time.sleep(1.5)
    assert not left.exists()


def test_fail_open_lets_it_go_on_and_says_so(tmp_path: Path) -> None:
    records, left = watch_one(tmp_path, closed=False)
    assert [each["body"]["then"] for each in records if each["kind"] == "sensor_failed"] == [
        "the agent goes on, unwatched"
    ]
    assert left.exists()
