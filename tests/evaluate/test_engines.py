"""Every engine gives the same bytes, and a worker that is killed costs a retry and nothing else."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import pytest

from tests.evaluate.conftest import Record, network, opened
from workbench.evaluate.backtest import add_up, backtest
from workbench.evaluate.engine import on_dask, open_map
from workbench.evaluate.outcome import Outcome
from workbench.evaluate.replay import Variant, replay
from workbench.evaluate.report import to_json
from workbench.scorer import Scorer


@pytest.fixture
def directories(record: Record) -> list[Path]:
    leak = [("read", opened("/h/k.pem")), ("send", network("connect", "203.0.113.9"))]
    return [record(f"leak{n}", leak) for n in range(4)] + [
        record(f"work{n}", [("", opened("/a"))]) for n in range(4)
    ]


def dies_once(payload: bytes, mark: Path, directory: Path) -> list[Outcome]:
    """Score a session, but kill the worker the first time that the third is met."""
    if directory.name == "leak2" and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return replay(directory, variants=[Variant(payload)])


@pytest.mark.slow
def test_processes_say_the_same_though_one_is_killed(
    small: bytes, directories: list[Path], tmp_path: Path
) -> None:
    mark = tmp_path / "killed"
    with open_map("processes") as run:
        found = [outcome for (outcome,) in run(partial(dies_once, small, mark), directories)]
    assert mark.exists()
    report = add_up(found, Scorer.from_payload(small).plan)
    assert to_json(report) == to_json(backtest(small, directories))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_dask_says_the_same_though_a_worker_is_killed(
    small: bytes, directories: list[Path], tmp_path: Path
) -> None:
    from distributed import Client, LocalCluster

    mark = tmp_path / "killed"
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        found = [one for (one,) in on_dask(client, partial(dies_once, small, mark), directories)]
        with open_map(cluster.scheduler_address.replace("tcp://", "dask://")) as run:
            again = backtest(small, directories, map=run)
    assert mark.exists()
    report = add_up(found, Scorer.from_payload(small).plan)
    assert to_json(report) == to_json(again) == to_json(backtest(small, directories))


def notes_itself(notes: Path, directory: Path) -> list[Outcome]:
    """Leave the worker's number behind, and take longer than the test lasts."""
    (notes / str(os.getpid())).touch()
    time.sleep(600)
    return []


def work_for_ever(notes: Path) -> None:
    """Start workers that note themselves, as a program does that is then killed."""
    with open_map("processes") as run:
        list(run(partial(notes_itself, notes), [notes]))


@pytest.mark.slow
def test_workers_end_with_who_started_them(tmp_path: Path) -> None:
    parent = get_context("spawn").Process(target=work_for_ever, args=(tmp_path,))
    parent.start()
    until(lambda: any(tmp_path.iterdir()))
    parent.kill()
    parent.join()
    (worker,) = tmp_path.iterdir()
    until(lambda: not alive(int(worker.name)))


def alive(pid: int) -> bool:
    """Say whether a process is there and no zombie."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def until(true: Callable[[], bool], seconds: float = 240) -> None:
    """Wait for a condition."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)
