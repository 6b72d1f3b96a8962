"""Events listed and labelled by hand, on the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from workbench.cli import run
from workbench.dataset.recording import Recording, write_recording

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
    label = ["dataset", "label", str(mine), "--malicious", str(one["event.id"]), "--whole", "--rest"]
    assert run([*label, "--technique", "T1041", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["labels"] == {
        "malicious": len(call),
        "benign": len(events) - len(call),
    }
    labels = Recording.open(mine).labels()
    assert {each.event_id for each in labels if each.label == "malicious"} == set(call)
    assert {tuple(each.techniques) for each in labels if each.label == "malicious"} == {("T1041",)}
    assert {each.labelled_by for each in labels} == {"hand"}


def test_without_a_tool_call_a_process_is_labelled_with_what_it_started(mine: Path) -> None:
    events = [
        {name: value for name, value in event.items() if name != "gen_ai.tool.call.id"}
        for event in Recording.open(mine).events()
    ]
    session = Recording.open(mine).session
    shutil.rmtree(mine)
    write_recording(mine, events, session)
    shell = next(e for e in events if e["event.action"] == "exec" and e["process.name"] in ("bash", "sh"))
    chosen = ["dataset", "label", str(mine), "--malicious", str(shell["event.id"]), "--whole"]
    assert run([*chosen, "--technique", "T1041"]) == 0
    marked = {each.event_id for each in Recording.open(mine).labels()}
    below = {e["process.entity_id"] for e in events if e["event.id"] in marked}
    assert shell["process.entity_id"] in below
    assert len(below) > 1


def test_labels_are_forgotten_on_demand(mine: Path) -> None:
    first, second = [str(event["event.id"]) for event in Recording.open(mine).events()][:2]
    assert run(["dataset", "label", str(mine), "--benign", first]) == 0
    assert run(["dataset", "label", str(mine), "--benign", second, "--anew"]) == 0
    assert [each.event_id for each in Recording.open(mine).labels()] == [second]


def test_a_technique_that_does_not_exist_is_refused(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["dataset", "label", str(mine), "--rest", "--technique", "T9999"]) == 2
    assert "no technique 'T9999'" in capsys.readouterr().err


def test_events_are_listed_with_the_ids_that_labels_take(
    mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    execs = [e for e in Recording.open(mine).events() if e["event.action"] == "exec"]
    assert run(["dataset", "events", str(mine), "--kind", "exec"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == [e["event.id"] for e in execs]
    name = str(execs[-1]["process.name"])
    assert run(["dataset", "events", str(mine), "--process", name, "--kind", "exec", "--format", "json"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert told == [e for e in execs if e["process.name"] == name]


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
