"""A fleet on disk, backtested by one process and by two: time, memory, and the same report byte for byte.

`FLEET_EVENTS` sets the size of the fleet that is scored once by all cores (20 million events by default),
`FLEET_SMALL` that of the one scored by one process and by two in turn, `FLEET_RUNS` how often.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import pytest

EVENTS = int(os.environ.get("FLEET_EVENTS", "20000000"))
SMALL = int(os.environ.get("FLEET_SMALL", "300000"))
RUNS = int(os.environ.get("FLEET_RUNS", "3"))
DATASET = next(path for path in (Path("datasets/agent-runs"), Path("datasets/quickstart")) if path.exists())
WORKBENCH = str(Path(sys.executable).with_name("workbench"))


def fleet(out: Path, events: int) -> Path:
    """Make a fleet of the released recordings."""
    subprocess.run([WORKBENCH, "fleet", str(DATASET), "--out", str(out), "--events", str(events)], check=True)
    return out


def backtest(fleet: Path, engine: str) -> tuple[float, bytes]:
    """Give the seconds that a backtest took, and its report."""
    report = fleet.parent / f"{fleet.name}-{engine}.json"
    command = [WORKBENCH, "backtest", "rules", str(fleet), "--engine", engine, "--json", str(report)]
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began, report.read_bytes()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a fleet that is scored in seconds."""
    return fleet(tmp_path_factory.mktemp("fleet") / "small", SMALL)


def test_two_processes_against_one(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same report, sooner."""
    ratios, rates = [], []
    for _ in range(RUNS):
        alone, report = backtest(small, "local")
        both, same = backtest(small, "processes")
        assert same == report
        ratios.append(alone / both)
        rates.append(SMALL / alone)
    with capsys.disabled():
        load = os.getloadavg()[0]
        shown = " ".join(f"{ratio:.2f}" for ratio in ratios)
        print(
            f"\n{SMALL:,} events, one process {median(rates):,.0f} events/s,"
            f" two against one: {median(ratios):.2f}× ({shown}; load {load:.1f})"
        )


def test_memory_is_flat_in_the_size_of_the_fleet(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No process holds more than one session and all outcomes."""
    backtest(small, "local")
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    large = fleet(small.parent / "large", EVENTS)
    bytes_on_disk = sum(file.stat().st_size for file in large.rglob("*") if file.is_file())
    seconds, _ = backtest(large, "processes")
    after = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    with capsys.disabled():
        print(
            f"\n{EVENTS:,} events, {bytes_on_disk / 1e9:.2f} GB on disk: {seconds:,.0f} s,"
            f" {EVENTS / seconds:,.0f} events/s; largest process {after / 1024:.0f} MB,"
            f" of {SMALL:,} events {before / 1024:.0f} MB"
        )
    assert after <= 1.5 * before
