"""A backtest says the same wherever it runs, and what it says is what the scorer finds."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from workbench.baseline import fit, frozen
from workbench.dataset.dataset import Dataset
from workbench.errors import InputError, RecordingError
from workbench.evaluate.backtest import Report, backtest
from workbench.evaluate.engine import open_map
from workbench.evaluate.load import load_payload
from workbench.evaluate.report import to_junit
from workbench.registry import load_all
from workbench.scorer import Scorer

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return Dataset.open(ROOT / "datasets" / "quickstart")


@pytest.fixture(scope="module")
def payload(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    baseline = tmp_path_factory.mktemp("baseline") / "baseline.json"
    frozen.save(baseline, fit.fit(dataset.recordings(), load_all()))
    return load_payload(ROOT / "rules", baseline=baseline)


@pytest.fixture(scope="module")
def report(payload: bytes, dataset: Dataset) -> Report:
    return backtest(payload, dataset.directories())


def test_every_attack_is_alerted_on_and_no_benign_run(report: Report) -> None:
    for outcome in report.outcomes:
        assert (outcome.decision != "audit") == outcome.malicious, outcome.recording
        if not outcome.malicious:
            assert {hit.response for hit in outcome.hits} <= {"audit"}


def test_the_exfiltration_is_caught_by_rule_sequence_and_drift(report: Report) -> None:
    titles = {hit.title for outcome in report.outcomes for hit in outcome.hits if hit.steps}
    assert "A process holding secret data connects to an unknown host" in titles
    assert "A key is read, something is packed, something connects out, in one session" in titles
    assert "Agent connects to a destination unlike its past" in titles


def test_findings_equal_the_scorers(payload: bytes, dataset: Dataset, report: Report) -> None:
    for recording, outcome in zip(dataset.recordings(), report.outcomes, strict=True):
        scorer = Scorer.from_payload(payload)
        found = [f for event in recording.events() for f in scorer.score(event)] + scorer.close()
        assert [(f.rule_id, f.event_id, tuple(f.evidence)) for f in found] == [
            (hit.rule_id, hit.event_id, hit.evidence) for hit in outcome.hits
        ]


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(InputError, match="no engine 'spark'"), open_map("spark"):
        pass


def test_junit_fails_a_session_that_was_judged_wrongly(report: Report) -> None:
    assert b'tests="12"' in to_junit(report)
    assert b'failures="0"' in to_junit(report)
    missed = [replace(o, alerted=None) for o in report.outcomes]
    assert b'message="missed"' in to_junit(Report(tuple(missed), (), report.verdict, {}))


def test_a_split_that_holds_nothing_is_refused(dataset: Dataset) -> None:
    assert dataset.chosen("") == dataset.directories()
    with pytest.raises(RecordingError, match="no recording is in split 'test'"):
        dataset.chosen("test")
    with pytest.raises(RecordingError, match="no split 'tset'"):
        dataset.chosen("tset")
