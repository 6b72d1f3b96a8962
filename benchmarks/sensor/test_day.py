"""A day of agents, simulated at far more than ten times its speed, in memory that stays flat."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.pack.keys import generate_key

HOURS = int(os.environ.get("WORKBENCH_BENCH_HOURS", "24"))
AN_HOUR = int(os.environ.get("WORKBENCH_BENCH_SESSIONS", "20"))
RECORDINGS = 24
ROOT = Path(__file__).parents[2]


def test_a_day_leaves_the_memory_flat(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], circumstances: Callable[[], str]
) -> None:
    """The last quarter of the day against its second: the first fills what is bounded."""
    generate_key(tmp_path / "k")
    workbench = str(Path(sys.executable).with_name("workbench"))
    build = [
        workbench,
        "pack",
        "build",
        ROOT / "rules",
        "--out",
        tmp_path / "p.pack",
        "--key",
        tmp_path / "k",
    ]
    subprocess.run(build, check=True, capture_output=True)
    recorded = sorted((ROOT / "datasets" / "agent-runs" / "recordings").iterdir())
    chosen = recorded[:: len(recorded) // RECORDINGS]
    day = Path(__file__).with_name("day.py")
    done = subprocess.run(
        [sys.executable, day, tmp_path, str(HOURS), str(AN_HOUR), *chosen],
        check=True,
        capture_output=True,
        text=True,
    )
    *hours, end = map(json.loads, done.stdout.splitlines())
    memory = [hour["rss_mb"] for hour in hours]
    quarter = len(memory) // 4
    early, late = statistics.median(memory[quarter : 2 * quarter]), statistics.median(memory[-quarter:])
    speed = HOURS * 3600 / hours[-1]["seconds"]
    with capsys.disabled():
        print(f"\n{circumstances()}")
        print(f"{HOURS} h of agents at {speed:.0f} times its speed: {HOURS * AN_HOUR} sessions,", end=" ")
        print(
            f"{hours[-1]['events']:,} events, {hours[-1]['findings']:,} findings, {end['left']} bytes unsent"
        )
        print("MB by the hour   " + " ".join(f"{each:.0f}" for each in memory))
        print(f"last quarter {late:.0f} MB against {early:.0f} MB, ratio {late / early:.3f}")
    assert speed >= 10
    assert late / early <= 1.05
    assert end["left"] == 0
