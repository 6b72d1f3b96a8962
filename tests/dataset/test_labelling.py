"""Labels given by hand, on the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from workbench.cli import run
from workbench.dataset.recording import Recording

ROOT = Path(__file__).parents[2]


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    directory = tmp_path / "mine"
    shutil.copytree(ROOT / "datasets/quickstart/recordings/run-02", directory)
    (directory / "labels.parquet").unlink()
    return directory


def test_a_call_is_malicious_and_the_rest_benign(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events = list(Recording.open(mine).events())
    one = next(e for e in events if e.get("gen_ai.tool.call.id") and e["event.action"] == "exec")
    call = [e["event.id"] for e in events if e.get("gen_ai.tool.call.id") == one["gen_ai.tool.call.id"]]
    label = ["dataset", "label", str(mine), "--malicious", str(one["event.id"]), "--calls", "--rest"]
    assert run([*label, "--technique", "T1041", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["labels"] == {
        "malicious": len(call),
        "benign": len(events) - len(call),
    }
    labels = Recording.open(mine).labels()
    assert {each.event_id for each in labels if each.label == "malicious"} == set(call)
    assert {tuple(each.techniques) for each in labels if each.label == "malicious"} == {("T1041",)}
    assert {each.labelled_by for each in labels} == {"hand"}


def test_labels_that_do_not_fit_are_kept_and_told(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    event = str(next(Recording.open(mine).events())["event.id"])
    assert run(["dataset", "label", str(mine), "--malicious", event]) == 1
    assert "no step or technique" in capsys.readouterr().err
    assert len(Recording.open(mine).labels()) == 1


def test_an_event_that_is_not_there_is_named_and_nothing_written(
    mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["dataset", "label", str(mine), "--malicious", "k0", "--benign", "no-such"]) == 2
    assert "no event 'no-such'" in capsys.readouterr().err
    assert not (mine / "labels.parquet").exists()


def test_a_released_dataset_is_not_changed(capsys: pytest.CaptureFixture[str]) -> None:
    released = ROOT / "datasets/quickstart/recordings/run-02"
    assert run(["dataset", "label", str(released), "--rest"]) == 2
    assert "belongs to a released dataset" in capsys.readouterr().err
