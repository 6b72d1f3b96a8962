"""Splits keep families apart, merging refuses what is unsound or there twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.dataset.dataset import Dataset
from workbench.dataset.split import merge, split
from workbench.dataset.thin import Thinner, thin
from workbench.dataset.validate import validate
from workbench.errors import RecordingError

SHIPPED = Path(__file__).parents[2] / "datasets" / "quickstart"


@pytest.fixture
def merged(tmp_path: Path) -> Dataset:
    merge([SHIPPED], tmp_path / "merged", "1.0.0")
    return Dataset.open(tmp_path / "merged")


def test_a_merged_dataset_is_sound(merged: Dataset) -> None:
    assert len(merged.directories()) == len(Dataset.open(SHIPPED).directories())
    assert validate(merged) == []


def test_a_family_kept_for_test_is_nowhere_else(merged: Dataset) -> None:
    split(merged, "1.0.1", test_families=["secret-to-egress"], seed=3)
    divided = Dataset.open(merged.path)
    elsewhere = [*divided.recordings("train"), *divided.recordings("validation")]
    assert elsewhere
    assert all(r.session.settings["family"] != "secret-to-egress" for r in elsewhere)
    assert sum(r.malicious for r in divided.recordings("test")) == 3


def test_the_same_seed_gives_the_same_split(merged: Dataset) -> None:
    assert split(merged, "1", seed=5) == split(merged, "1", seed=5)
    assert split(merged, "1", seed=5) != split(merged, "1", seed=6)


def test_a_session_there_twice_is_refused(tmp_path: Path, merged: Dataset) -> None:
    with pytest.raises(RecordingError, match="is the same session as"):
        merge([SHIPPED, merged.path], tmp_path / "twice", "1")
    assert not (tmp_path / "twice").exists()


def test_a_changed_file_is_found(merged: Dataset) -> None:
    file = merged.directories()[0] / "session.json"
    file.write_bytes(file.read_bytes() + b"\n")
    assert validate(merged) == [f"{file}: differs from the manifest (mend: release a new version instead)"]


def test_thinning_counts_what_it_leaves_out(tmp_path: Path) -> None:
    recording = next(Dataset.open(SHIPPED).recordings())
    events, thinner = list(recording.events()), Thinner()
    again = thin(recording, tmp_path / "thin")
    kept = [str(event["event.id"]) for event in events if not thinner(event)]
    assert [event["event.id"] for event in again.events()] == kept
    before, after = (each.session.loss.not_visible for each in (recording, again))
    assert after == {
        reason: before.get(reason, 0) + thinner.left_out.get(reason, 0)
        for reason in before | thinner.left_out
    }
    assert again.labels() == [label for label in recording.labels() if label.event_id in set(kept)]
