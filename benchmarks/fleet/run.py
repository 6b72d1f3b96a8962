"""One backtest of the first N events of a fleet, and what it took, as one line of JSON.

Run by itself, so that its memory is its own: `python benchmarks/fleet/run.py FLEET EVENTS ENGINE REPORT`.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from workbench.dataset.dataset import Dataset
from workbench.dataset.parquet import count_rows
from workbench.evaluate.backtest import backtest
from workbench.evaluate.engine import open_map
from workbench.evaluate.load import load_payload
from workbench.evaluate.report import json_parts
from workbench.files import write_aside


def sessions(fleet: Path, events: int) -> Iterator[Path]:
    """Give the first sessions that hold at least so many events."""
    for directory in Dataset.open(fleet).directories():
        yield directory
        events -= count_rows(directory / "events.parquet")
        if events <= 0:
            return


def peak_mb(pid: int) -> float:
    """Give the most memory that a process held so far (VmHWM)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def run(fleet: Path, events: int, engine: str, report: Path) -> dict[str, float]:
    """Backtest, write the report, and give seconds and megabytes."""
    directories = list(sessions(fleet, events))
    began = time.perf_counter()
    payload = load_payload(Path("rules"))
    with open_map(engine) as chosen:
        found = backtest(payload, directories, map=chosen)
        workers = [peak_mb(child.pid or 0) for child in multiprocessing.active_children()]
    write_aside(report, json_parts(found))
    return {
        "events": sum(outcome.events for outcome in found.outcomes),
        "sessions": len(directories),
        "seconds": time.perf_counter() - began,
        "parent_mb": peak_mb(os.getpid()),
        "workers_mb": max(workers, default=0.0),
    }


if __name__ == "__main__":
    told = run(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
    print(json.dumps(told))
