"""What the sensor's benchmarks share: when, where and beside how much else a figure was taken."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable

import pytest


@pytest.fixture
def circumstances() -> Callable[[], str]:
    """Tell them: a figure means little without."""
    load = os.getloadavg()[0]

    def told() -> str:
        when = time.strftime("%Y-%m-%d %H:%M", time.gmtime())
        return f"{when} UTC, kernel {platform.release()}, {os.cpu_count()} processors, load {load:.1f} before"

    return told
