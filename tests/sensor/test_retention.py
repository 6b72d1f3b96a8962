"""Retention: old records go, what is left verifies, and a deletion that nobody wrote down is a cut."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from workbench.pack.keys import public_pem
from workbench.sensor.audit import AuditLog
from workbench.sensor.bundle import export
from workbench.sensor.retention import DAY, delete_before
from workbench.sensor.verify import verify

NOW = 1_767_225_600_000_000_000


@pytest.fixture
def aged(make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log of ten days, one session a day, which ends today."""
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path, make.key, every=3)
    for day in range(10):
        monkeypatch.setattr(time, "time_ns", lambda day=day: NOW + day * DAY)
        for number in range(5):
            log.append("finding", {"uid": f"u{number}"}, session=f"day{day}")
    log.append("sensor_stop", {})
    log.close()
    return path


def delete(path: Path, make: Any, before: int) -> int:
    log = AuditLog(path, make.key)
    gone = delete_before(log, before)
    log.append("sensor_stop", {})
    log.close()
    return gone


def test_old_records_go_and_the_rest_verifies(make: Any, aged: Path) -> None:
    size = aged.stat().st_size
    assert delete(aged, make, NOW + 5 * DAY) > 20
    report = verify(aged, [make.key.public_key()])
    assert report.problems == []
    assert any("deleted by the retention policy" in note for note in report.notes)
    assert aged.stat().st_size < size
    text = aged.read_text()
    assert '"day0"' not in text
    assert '"day5"' in text
    assert '"kind":"retention"' in text


def test_it_is_kept_up_day_after_day(make: Any, aged: Path) -> None:
    for day in (3, 5, 9):
        assert delete(aged, make, NOW + day * DAY)
    assert verify(aged, [make.key.public_key()]).problems == []


def test_what_is_young_enough_stays_as_it_is(make: Any, aged: Path) -> None:
    assert delete(aged, make, NOW) == 0
    assert '"kind":"retention"' not in aged.read_text()


def test_a_beginning_that_someone_else_cut_is_found(make: Any, aged: Path) -> None:
    delete(aged, make, NOW + 3 * DAY)
    lines = aged.read_bytes().splitlines(keepends=True)
    later = [number for number, line in enumerate(lines) if b'"kind":"checkpoint"' in line][2]
    aged.write_bytes(b"".join(lines[later:]))
    (problem,) = verify(aged, [make.key.public_key()]).problems
    assert "beginning was cut" in problem


def test_a_bundle_of_what_is_left_verifies(make: Any, aged: Path, tmp_path: Path) -> None:
    public = tmp_path / "key.pub"
    public.write_bytes(public_pem(make.key))
    delete(aged, make, NOW + 5 * DAY)
    assert export(aged, "day7", tmp_path / "out", [public]) == 5
    assert verify(tmp_path / "out" / "chain.jsonl", [public]).problems == []
