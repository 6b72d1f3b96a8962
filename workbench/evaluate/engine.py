"""Where sessions are scored: in this process, in several, or on a Dask cluster; the result is the same.

A worker that dies costs a retry of what it was at: a session's score depends on nothing but the session.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import Any

from workbench.errors import InputError
from workbench.evaluate.backtest import Map, Task
from workbench.evaluate.outcome import Outcome

RETRIES = 3
_AHEAD, _AHEAD_ON_CLUSTER = 64, 4
"""How many sessions are handed out for each worker. Results come in order, so the others must not run dry
while one is at a long session; on a cluster, each one handed out is a copy of the pack in the scheduler."""


@contextmanager
def open_map(engine: str) -> Iterator[Map]:
    """Give the `map` that an engine's name means; raises InputError for an unknown one."""
    if engine == "local":
        yield map
    elif engine == "processes":
        with _Processes() as pool:
            yield pool.map
    elif engine == "dask" or engine.startswith("dask://"):
        with _dask(engine) as run:
            yield run
    else:
        raise InputError(f"no engine {engine!r}", mend="use local, processes, dask or dask://HOST:PORT")


class _Processes:
    """A pool of processes, opened again when one of them was killed."""

    def __init__(self) -> None:
        self._pool = self._open()

    @staticmethod
    def _open() -> ProcessPoolExecutor:
        return ProcessPoolExecutor(mp_context=get_context("spawn"), initializer=_end_with_parent)

    def __enter__(self) -> _Processes:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def map(self, task: Task, items: Iterable[Path]) -> Iterator[list[Outcome]]:
        """Score the sessions, in their order; raises BrokenProcessPool when one kills each worker."""
        rest = iter(items)
        ahead = _AHEAD * (os.cpu_count() or 1)
        waiting: deque[_Waiting] = deque()
        tries = 0
        while True:
            waiting += [_Waiting(item) for item in islice(rest, ahead - len(waiting))]
            if not waiting:
                return
            try:
                for session in waiting:
                    session.future = session.future or self._pool.submit(task, session.item)
                outcome = waiting[0].future.result()  # type: ignore[union-attr]  # submitted above
            except BrokenProcessPool:
                tries += 1
                if tries > RETRIES:
                    raise
                self._pool.shutdown(wait=False, cancel_futures=True)
                self._pool = self._open()
                for session in waiting:
                    session.forget_if_lost()
                continue
            waiting.popleft()
            tries = 0
            yield outcome


def _end_with_parent() -> None:
    """End this worker when its parent does, which may have been killed and could not say so."""
    parent = parent_process()

    def watch() -> None:
        if parent:
            parent.join()
            os._exit(1)

    Thread(target=watch, daemon=True).start()


@dataclass
class _Waiting:
    """A session handed out, or to be handed out again."""

    item: Path
    future: Future[list[Outcome]] | None = None

    def forget_if_lost(self) -> None:
        future = self.future
        if future and (not future.done() or future.cancelled() or future.exception()):
            self.future = None


@contextmanager
def _dask(engine: str) -> Iterator[Map]:
    try:
        from distributed import Client  # noqa: PLC0415 - an optional dependency
    except ImportError:
        raise InputError(
            "Dask is not installed", mend="pip install 'agent-detection-workbench[cluster]'"
        ) from None
    address = engine.removeprefix("dask").removeprefix("://")
    try:
        client = Client(f"tcp://{address}") if address else Client(processes=True, dashboard_address=None)
    except (OSError, ValueError) as error:
        raise InputError(f"no Dask scheduler at {address!r}: {error}", mend="use dask://HOST:PORT") from None
    with client:
        yield lambda task, items: on_dask(client, task, items)


def on_dask(client: Any, task: Task, items: Iterable[Path]) -> Iterator[list[Outcome]]:
    """Score the sessions on a cluster, in their order, a few ahead of what is asked for."""
    rest = iter(items)
    waiting: deque[Any] = deque()
    while True:
        ahead = _AHEAD_ON_CLUSTER * max(1, sum(client.nthreads().values()))
        waiting += [
            client.submit(task, item, retries=RETRIES, pure=False)
            for item in islice(rest, max(0, ahead - len(waiting)))
        ]
        if not waiting:
            return
        outcomes: list[Outcome] = waiting.popleft().result()
        yield outcomes
