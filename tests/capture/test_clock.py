"""The kernel's times and the wall's agree, however busy the machine is while they are compared."""

from __future__ import annotations

import itertools
import time

import pytest

from capture import clock
from capture.clock import Clock


def test_a_pause_between_two_readings_shifts_no_event(monkeypatch: pytest.MonkeyPatch) -> None:
    real, readings = time.time_ns, itertools.count()

    def interrupted() -> int:
        wall = real()
        if next(readings) % 3 == 0:
            time.sleep(0.05)
        return wall

    monkeypatch.setattr(clock.time, "time_ns", interrupted)
    compared = Clock.now()
    monkeypatch.undo()
    assert abs(compared.at(time.monotonic_ns()) - time.time_ns()) < 20_000_000
    assert abs(compared.started(time.clock_gettime_ns(time.CLOCK_BOOTTIME)) - time.time_ns()) < 20_000_000
