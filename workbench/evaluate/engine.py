"""Where sessions are scored: in this process, in several, or on a Dask cluster; the result is the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

from workbench.errors import InputError
from workbench.evaluate.backtest import Map
from workbench.evaluate.outcome import Outcome

Task = Callable[[Path], Outcome]


@contextmanager
def open_map(engine: str) -> Iterator[Map]:
    """Give the `map` that an engine's name means; raises InputError for an unknown one."""
    if engine == "local":
        yield map
    elif engine == "processes":
        with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
            yield pool.map
    elif engine == "dask" or engine.startswith("dask://"):
        with _dask(engine) as run:
            yield run
    else:
        raise InputError(f"no engine {engine!r}", mend="use local, processes, dask or dask://HOST:PORT")


@contextmanager
def _dask(engine: str) -> Iterator[Map]:
    try:
        from distributed import Client  # noqa: PLC0415 - an optional dependency
    except ImportError:
        raise InputError(
            "Dask is not installed", mend="pip install 'agent-detection-workbench[cluster]'"
        ) from None
    address = engine.removeprefix("dask").removeprefix("://")
    client = Client(f"tcp://{address}") if address else Client(processes=True, dashboard_address=None)
    with client:

        def run(task: Task, items: Iterable[Path]) -> list[Outcome]:
            gathered: list[Outcome] = client.gather(client.map(task, list(items), retries=2, pure=False))
            return gathered

        yield run
