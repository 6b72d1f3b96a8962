"""Validation finds every fault, and what it accepts an independent reader accepts too."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlcroissant
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.dataset.conftest import attack
from workbench.dataset.dataset import Dataset
from workbench.dataset.recording import write_recording
from workbench.dataset.release import release
from workbench.dataset.session import Label
from workbench.dataset.validate import validate

DATASETS = sorted((Path(__file__).parents[2] / "datasets").iterdir())


@pytest.mark.parametrize("path", DATASETS, ids=lambda path: path.name)
def test_what_is_shipped_is_sound(path: Path) -> None:
    # `make datasets` reads every table before a release; its digests hold from then on.
    assert validate(Dataset.open(path), every=1 if path.name == "quickstart" else 16) == []


def test_a_small_one_is_sound(small: Dataset) -> None:
    assert validate(small) == []


@pytest.mark.filterwarnings("ignore")
def test_croissant_is_read_by_the_reference_implementation(small: Dataset) -> None:
    read = mlcroissant.Dataset(jsonld=str(small.path / "croissant.json"))
    assert not read.metadata.ctx.issues.errors
    assert {record_set.id for record_set in read.metadata.record_sets} == {"events", "labels"}
    records = list(read.records("events"))
    ids = [b"e1", b"e2", b"e3", b"e4", b"e5"]
    assert sorted(record["events/event.id"] for record in records) == sorted(ids * 4)
    arguments = [list(r["events/process.args"]) for r in records if r["events/process.args"] is not None]
    assert [b"cat", b"secret"] in arguments


def rewrite(small: Dataset, name: str, made: tuple[Any, ...]) -> None:
    """Replace a recording and release again, so that only its content is at fault."""
    shutil.rmtree(small.path / "recordings" / name)
    write_recording(small.path / "recordings" / name, *made)
    release(small, "1.0.1")


def relabel(change: Callable[[list[Label]], list[Label]], *, twin: bool = False) -> tuple[Any, ...]:
    events, session, labels = attack("theft", twin=twin)
    return events, session, change(labels)


def orphan() -> tuple[Any, ...]:
    events, session, labels = attack("theft")
    del events[3]  # the fork that ties the reader to the step's process
    return events, session, [label for label in labels if label.event_id != "e4"]


FAULTY = {
    "1 labels name no event, such as 'e9'": relabel(
        lambda labels: [*labels, Label(event_id="e9", label="benign")]
    ),
    "labelled twice: 1 event, such as 'e1'": relabel(lambda labels: [*labels, labels[0]]),
    "unknown labels ['odd']": relabel(lambda labels: [Label(event_id="e1", label="odd"), *labels[1:]]),
    "1 malicious events name no step or technique, such as 'e1'": relabel(
        lambda labels: [Label(event_id="e1", label="malicious"), *labels[1:]]
    ),
    "1 malicious events are not reachable from their step, such as 'e5'": orphan(),
    "session theft-benign is there as run-1, run-2": attack("theft", session="theft-benign"),
    "family sabotage is kept for test but also in train": attack("sabotage", family="sabotage", session="x"),
}


@pytest.mark.parametrize("told", FAULTY)
def test_faulty_content_is_named(small: Dataset, told: str) -> None:
    rewrite(small, "run-1", FAULTY[told])
    faults = validate(Dataset.open(small.path))
    assert any(told in fault for fault in faults), faults


def test_a_malicious_event_in_a_twin_is_named(small: Dataset) -> None:
    events, session, labels = attack("theft-benign", twin=True)
    labels[4] = Label(event_id="e5", label="malicious", step="steal", techniques=["T1552.001"])
    rewrite(small, "run-2", (events, session, labels))
    faults = validate(Dataset.open(small.path))
    assert any("the benign twin of theft has 1 malicious events" in fault for fault in faults)


def test_an_event_of_a_tool_call_needs_no_process_of_its_own(small: Dataset) -> None:
    events, session, _ = attack("theft")
    call = {"event.category": "agent", "gen_ai.tool.call.id": "c1", "process.entity_id": "agent"}
    events[2] |= {"event.category": "file", "event.action": "read"}  # the server read it, no program was run
    events[1] = {**call, "@timestamp": 2, "event.id": "e2", "event.action": "tool_call"}
    events.append({**call, "@timestamp": 6, "event.id": "e6", "event.action": "tool_result"})
    guilty = [f"e{number}" for number in (2, 3, 5, 6)]
    labels = [Label(event_id=i, label="malicious", step="steal", techniques=["T1552.001"]) for i in guilty]
    rewrite(small, "run-1", (events, session, labels))
    assert validate(Dataset.open(small.path)) == []


def test_what_the_agent_itself_is_made_to_exchange_may_be_malicious(small: Dataset) -> None:
    events, session, labels = attack("theft")
    events.append(
        {**events[0], "@timestamp": 7, "event.id": "e7", "event.category": "network", "event.action": "send"}
    )
    labels.append(Label(event_id="e7", label="malicious", step="relay", techniques=["T1557"]))
    rewrite(small, "run-1", (events, session, labels))
    assert any("'e7'" in fault for fault in validate(Dataset.open(small.path)))
    events[-1]["attribution.actor"] = "agent"
    rewrite(small, "run-1", (events, session, labels))
    assert validate(Dataset.open(small.path)) == []


def test_every_fault_of_the_files_is_told(small: Dataset) -> None:
    runs = small.path / "recordings"
    (runs / "run-1" / "labels.parquet").unlink()
    session = runs / "run-2" / "session.json"
    session.write_bytes(session.read_bytes() + b"\n")
    (runs / "run-3" / "notes.txt").write_text("not listed")
    (small.path / "README.md").write_text("no front matter")
    faults = validate(Dataset.open(small.path))
    for told in (
        "run-1/labels.parquet: missing",
        "run-2/session.json: differs from the manifest",
        "run-3/notes.txt: is not in the manifest",
        "README.md: differs from the manifest",
        "not a card: no front matter",
    ):
        assert any(told in fault for fault in faults), (told, faults)


def test_figures_that_are_not_the_data_s_are_found(small: Dataset) -> None:
    card = small.path / "README.md"
    card.write_text(card.read_text().replace("| theft | 1 |", "| theft | 2 |"))
    assert any("figures are not those of the data" in fault for fault in validate(small))


def test_prose_on_the_card_stays(small: Dataset) -> None:
    card = small.path / "README.md"
    card.write_text(card.read_text().replace("Recorded runs of coding agents", "Runs of *real* agents"))
    release(small, "1.0.1")
    assert "Runs of *real* agents" in card.read_text()
    assert json.loads((small.path / "croissant.json").read_text())["description"].startswith("Runs of *real*")
    assert validate(Dataset.open(small.path)) == []


def test_a_column_out_of_the_schema_is_named(small: Dataset) -> None:
    file = small.path / "recordings" / "run-1" / "events.parquet"
    pq.write_table(pq.read_table(file).append_column("colour", pa.array(["red"] * 5)), file)
    release(small, "1.0.1")
    assert any("column 'colour' is not in the schema" in f for f in validate(Dataset.open(small.path)))
