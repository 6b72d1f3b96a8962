"""What frozen drift fields cost: microseconds an event, kilobytes an agent in the pack.

Baselines are fitted on the train split; the cost is CPU time of the stage alone over recorded sessions of
another split, enriched before, less that of an empty loop; the median of `RUNS` passes, caches warm and cold.
"""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from statistics import median
from time import thread_time
from typing import Any

import cbor2
import pytest

from workbench.baseline.fit import enriched, fit
from workbench.dataset.dataset import Dataset
from workbench.event import Value
from workbench.registry import load_all
from workbench.scorer.enrich.drift import Drift

DATASET = Path("datasets/agent-runs")
FITTED, SCORED, RUNS, AT_ONCE = 60, 24, 5, 100
BAR_US, BAR_KB = 3.0, 64.0

Events = list[dict[str, Value]]


@pytest.fixture(scope="module")
def baselines() -> list[dict[str, Any]]:
    """Fit on some recordings of the train split, of every agent."""
    recordings = list(Dataset.open(DATASET).recordings("train"))
    return fit(recordings[:: max(1, len(recordings) // FITTED)], load_all())


@pytest.fixture(scope="module")
def sessions() -> list[Events]:
    """Read and enrich some recordings of the validation split."""
    recordings = list(Dataset.open(DATASET).recordings("validation"))
    return [enriched(recording, load_all()) for recording in recordings[:SCORED]]


def seconds(apply: Any, events: Events) -> float:
    """Give the CPU time that `apply` takes over copies of the events.

    A few are copied at a time, since a stage gets an event that the stages before it have just read.
    """
    spent = 0.0
    for start in range(0, len(events), AT_ONCE):
        copies = [dict(event) for event in events[start : start + AT_ONCE]]
        began = thread_time()
        for event in copies:
            apply(event)
        spent += thread_time() - began
    return spent


def test_microseconds_an_event(
    baselines: list[dict[str, Any]], sessions: list[Events], capsys: pytest.CaptureFixture[str]
) -> None:
    """The mean over all events of recorded sessions, as each host has them; the bar is 3 µs."""
    count = sum(map(len, sessions))
    cold, warm = [], []
    for _ in range(RUNS):
        stage = Drift(baselines)
        nothing = sum(seconds(lambda event: None, events) for events in sessions)
        cold.append(1e6 * (sum(seconds(stage.apply, events) for events in sessions) - nothing) / count)
        stage.sessions.clear()
        warm.append(1e6 * (sum(seconds(stage.apply, events) for events in sessions) - nothing) / count)
    with capsys.disabled():
        print(
            f"\ndrift fields: {median(cold):.2f} µs an event, {median(warm):.2f} µs when met before"
            f" ({count:,} events of {len(sessions)} sessions; load {os.getloadavg()[0]:.1f}): the bar of"
            f" {BAR_US} µs {'holds' if median(cold) <= BAR_US else 'is not reached'}"
        )
    assert 0 < median(warm) < 10 * BAR_US


def test_kilobytes_an_agent(baselines: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    """In the pack; the bar is 64 kB."""
    sizes = {item["agent"]: len(cbor2.dumps(item, canonical=True)) / 1_000 for item in baselines}
    with capsys.disabled():
        print("\nin the pack: " + ", ".join(f"{agent} {size:.0f} kB" for agent, size in sizes.items()))
    assert max(sizes.values()) <= BAR_KB


def test_kinds_of_events(
    baselines: list[dict[str, Any]], sessions: list[Events], capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the time goes: the mean of each kind of event, and its share of all events."""
    stage = Drift(baselines)
    spent: dict[str, list[float]] = defaultdict(list)
    for events in sessions:
        for event in events:
            began = thread_time()
            stage.apply(event)
            spent[f"{event['event.category']}/{event['event.action']}"].append(thread_time() - began)
    count = sum(map(len, sessions))
    ranked = sorted(spent.items(), key=lambda item: -sum(item[1]))
    with capsys.disabled():
        for kind, times in ranked[:6]:
            mean = 1e6 * sum(times) / len(times)
            print(f"\n{kind}: {mean:.1f} µs with the clock's own, {len(times) / count:.0%} of events", end="")
        print()
    assert ranked
