"""What a released recording is called does not tell what it does.

A classifier is given *names* and must be at chance on the scenario and on malicious against twin.

Names are what was drawn for a run whatever it does, read off the events alike for every run: the first
value of each of `TEXTS` and `NUMBERS` (ids, host, directory, address and port of the first connection, which
is the harness's own), the recording's name; and of timing the date, the hour, the minute, the weekday and
the host's uptime.
Behaviour is the rest and not given: which programs, files and hosts, how many, in what order, the task.
"""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from workbench.dataset.dataset import Dataset
from workbench.dataset.recording import Recording

DATASETS = sorted((Path(__file__).parents[2] / "datasets").iterdir())
FOLDS = 3
TEXTS = (
    *("host.id", "host.name", "gen_ai.conversation.id", "process.working_directory", "process.entity_id"),
    *("gen_ai.tool.call.id", "destination.domain", "destination.ip", "source.ip"),
)
NUMBERS = ("process.pid", "cgroup.id", "source.port", "destination.port", "file.inode")


def names_of(recording: Recording) -> tuple[str, list[float]]:
    """Give a run's names as text and as numbers: of each field the first value, which precedes all steps."""
    columns = ["@timestamp", "event.category", "event.action", *TEXTS, *NUMBERS]
    table = pq.read_table(recording.path / "events.parquet", columns=columns).sort_by("@timestamp")
    first: dict[str, Any] = {
        name: next((v for v in table.column(name).to_pylist() if v is not None), "") for name in columns[3:]
    }
    started = recording.session.started
    when = datetime.fromtimestamp(started // 1_000_000_000, UTC)
    numbers = [float(first[name] or 0) for name in NUMBERS]
    boot, _, _ = str(first["process.entity_id"]).rpartition("-")
    uptime = int(boot.rpartition("-")[2] or "0", 16)
    times = [started / 1e9, uptime / 1e9, when.hour, when.minute, when.weekday()]
    return " ".join([recording.path.name, *(str(first[name]) for name in TEXTS)]), [*numbers, *times]


@pytest.fixture(scope="module", params=DATASETS, ids=lambda path: path.name)
def runs(request: pytest.FixtureRequest) -> list[tuple[Recording, str, list[float]]]:
    return [(recording, *names_of(recording)) for recording in Dataset.open(request.param).recordings()]


def assert_at_chance(texts: list[str], numbers: list[list[float]], targets: list[str]) -> None:
    """Neither a model of spellings nor one of numbers does better than always saying the commonest."""
    enough = {target for target, count in Counter(targets).items() if count >= FOLDS}
    kept = [number for number, target in enumerate(targets) if target in enough]
    y = np.array([targets[n] for n in kept])
    chance = max(Counter(y.tolist()).values()) / len(y)
    bound = chance + 3.5 * math.sqrt(chance * (1 - chance) / len(y))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    spelling = make_pipeline(
        TfidfVectorizer(analyzer="char", ngram_range=(1, 3), max_features=2_000), RidgeClassifier()
    )
    trees = ExtraTreesClassifier(100, random_state=0)
    told = cross_val_score(spelling, [texts[n] for n in kept], y, cv=folds).mean()
    counted = cross_val_score(trees, np.array([numbers[n] for n in kept]), y, cv=folds).mean()
    assert told <= bound, f"spellings tell {told:.0%}, chance is {chance:.0%}"
    assert counted <= bound, f"numbers tell {counted:.0%}, chance is {chance:.0%}"


def test_names_do_not_tell_the_scenario(runs: list[tuple[Recording, str, list[float]]]) -> None:
    scenarios = [str(recording.session.settings["scenario"]) for recording, _, _ in runs]
    assert_at_chance([text for _, text, _ in runs], [numbers for _, _, numbers in runs], scenarios)


def test_names_do_not_tell_a_malicious_run_from_its_twin(
    runs: list[tuple[Recording, str, list[float]]],
) -> None:
    guilty = [recording.malicious for recording, _, _ in runs]
    pairs = [run for run, g in zip(runs, guilty, strict=True) if g or run[0].session.settings["twin_of"]]
    guilt = ["twin" if recording.session.settings["twin_of"] else "malicious" for recording, _, _ in pairs]
    assert_at_chance([text for _, text, _ in pairs], [numbers for _, _, numbers in pairs], guilt)


def test_a_name_that_tells_is_found() -> None:
    targets = ["theft", "work"] * 40
    texts = [f"/home/ada/{target}-{number}" for number, target in enumerate(targets)]
    with pytest.raises(AssertionError, match="spellings tell"):
        assert_at_chance(texts, [[0.0]] * 80, targets)
