"""The recordings a trial runs over: read once, kept, and a sample where there are many."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from itertools import zip_longest

from workbench.dataset.dataset import Dataset
from workbench.dataset.parquet import count_rows
from workbench.dataset.recording import Recording
from workbench.errors import InputError
from workbench.event import Event

MOST_EVENTS = 50_000


@dataclass(frozen=True)
class Run:
    """One recording in memory: trials follow each other quickly."""

    name: str
    scenario: str
    malicious: frozenset[str]
    events: tuple[Event, ...]


@lru_cache(maxsize=2)
def read_runs(dataset: str, scenario: str = "*") -> tuple[tuple[Run, ...], int]:
    """Read the recordings whose scenario's name fits the glob; gives them and how many there were to read.

    Of more than `MOST_EVENTS` events the first recordings of every scenario are read, evenly. Raises
    InputError when no scenario fits.
    """
    groups: dict[str, list[Recording]] = defaultdict(list)
    for recording in Dataset.open(dataset).recordings():
        if fnmatchcase(name := scenario_of(recording), scenario):
            groups[name].append(recording)
    if not groups:
        raise InputError(f"no scenario fits {scenario!r}", place=dataset, mend="leave --scenario out")
    runs = [_read(recording) for recording in _within(MOST_EVENTS, groups.values())]
    return tuple(sorted(runs, key=lambda run: run.name)), sum(map(len, groups.values()))


def scenario_of(recording: Recording) -> str:
    """Name the scenario a recording says it is of."""
    return str(recording.session.settings.get("scenario", "")) or "(no scenario)"


def _within(most: int, groups: Iterable[list[Recording]]) -> Iterator[Recording]:
    """Give one recording of each group after the other until there are enough events."""
    for recording in (one for ring in zip_longest(*groups) for one in ring if one is not None):
        most -= count_rows(recording.path / "events.parquet")
        yield recording
        if most <= 0:
            return


def _read(recording: Recording) -> Run:
    return Run(
        name=recording.path.name,
        scenario=scenario_of(recording),
        malicious=frozenset(one.event_id for one in recording.labels() if one.label == "malicious"),
        events=tuple(recording.events()),
    )
