"""A fleet on disk, backtested by one process and by two: time, memory, and the same report byte for byte.

`FLEET_EVENTS` sets the size of the fleet (20 million events by default), of which memory is also measured
over the first quarter and twentieth; `FLEET_SMALL` how many events one process and two score in turn (a
million by default: a process takes seconds to start and to meet every text once), and `FLEET_RUNS` how often.
The fleet is made below `TMPDIR` and deleted afterwards.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

EVENTS = int(os.environ.get("FLEET_EVENTS", "20000000"))
SMALL = int(os.environ.get("FLEET_SMALL", "1000000"))
RUNS = int(os.environ.get("FLEET_RUNS", "3"))
DATASET = next(path for path in (Path("datasets/agent-runs"), Path("datasets/quickstart")) if path.exists())
WORKBENCH = str(Path(sys.executable).with_name("workbench"))
PARTS = (20, 4, 1)
BYTES_AN_EVENT = 10
"""What the parent may keep of an event: some 4 kB a session, and twice that while it adds up."""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Make a fleet of the released recordings, and delete it."""
    out = tmp_path_factory.mktemp("fleet") / "runs"
    began = time.perf_counter()
    command = [WORKBENCH, "fleet", str(DATASET), "--out", str(out), "--events", str(EVENTS)]
    subprocess.run(command, check=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    size = sum(file.stat().st_size for file in out.rglob("*.parquet"))
    print(
        f"made in {time.perf_counter() - began:,.0f} s, {size / 1e9:.2f} GB, at most {peak:.0f} MB of memory"
    )
    yield out
    shutil.rmtree(out)


def backtest(fleet: Path, events: int, engine: str) -> tuple[dict[str, float], bytes]:
    """Give what a backtest of the first events took, and its report."""
    report = fleet.parent / f"{engine}.json"
    script = str(Path(__file__).with_name("run.py"))
    command = [sys.executable, script, str(fleet), str(events), engine, str(report)]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return json.loads(told), report.read_bytes()


def test_two_processes_against_one(fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same report, sooner."""
    ratios, rates = [], []
    for _ in range(RUNS):
        alone, report = backtest(fleet, SMALL, "local")
        both, same = backtest(fleet, SMALL, "processes")
        assert same == report
        ratios.append(alone["seconds"] / both["seconds"])
        rates.append(alone["events"] / alone["seconds"])
    with capsys.disabled():
        shown = " ".join(f"{ratio:.2f}" for ratio in ratios)
        print(
            f"\n{SMALL:,} events, one process {median(rates):,.0f} events/s,"
            f" two against one: {median(ratios):.2f}× ({shown}; load {os.getloadavg()[0]:.1f})"
        )


def test_memory_is_flat_in_the_size_of_the_fleet(fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A worker holds one session; the parent holds all outcomes, and nothing else that grows."""
    runs = [backtest(fleet, EVENTS // part, "processes")[0] for part in PARTS]
    with capsys.disabled():
        for run in runs:
            print(
                f"\n{run['events']:,.0f} events in {run['sessions']:,.0f} sessions:"
                f" {run['seconds']:,.0f} s, {run['events'] / run['seconds']:,.0f} events/s;"
                f" parent {run['parent_mb']:.0f} MB, each worker at most {run['workers_mb']:.0f} MB",
                end="",
            )
        print(f" (load {os.getloadavg()[0]:.1f})")
    least, most = runs[0], runs[-1]
    assert most["workers_mb"] <= 1.5 * least["workers_mb"]
    assert most["parent_mb"] <= least["parent_mb"] + BYTES_AN_EVENT * most["events"] / 2**20
