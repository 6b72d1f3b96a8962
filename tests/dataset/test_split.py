"""Splits keep families apart, merging refuses what is unsound or there twice."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from workbench.dataset.dataset import Dataset, names_by_session, splits_by_session
from workbench.dataset.difference import difference
from workbench.dataset.release import release
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


def test_what_was_released_keeps_its_split(tmp_path: Path, merged: Dataset) -> None:
    split(merged, "1.0.1", test_families=["secret-to-egress"], seed=3)
    released = Dataset.open(merged.path)
    merge([merged.path], tmp_path / "again", "1.0.2")
    again = Dataset.open(tmp_path / "again")
    split(again, "1.0.2", like=released, seed=9)
    assert splits_by_session(Dataset.open(again.path)) == splits_by_session(released)
    assert Dataset.open(again.path).manifest.test_families == ["secret-to-egress"]
    assert list(difference(released, Dataset.open(again.path))) == []


def test_what_is_new_is_not_drawn_into_a_test_that_was_released(tmp_path: Path, merged: Dataset) -> None:
    known = next(r for r in merged.recordings() if r.session.settings["family"] == "secret-to-egress")
    shutil.copytree(known.path, tmp_path / "first" / known.path.name)
    merge([tmp_path / "first"], tmp_path / "old", "1")
    split(Dataset.open(tmp_path / "old"), "1", test_families=["secret-to-egress"])
    released = Dataset.open(tmp_path / "old")
    new = [r for r in merged.recordings() if r.session.settings["family"] != "secret-to-egress"]
    drawn = set()
    for seed in range(4):
        splits = split(merged, "2", like=released, seed=seed).recordings
        drawn |= {splits[recording.path.name].split for recording in new}
    assert drawn == {"train", "validation"}


def test_what_was_released_keeps_its_name_and_what_is_new_takes_a_free_one(tmp_path: Path) -> None:
    directories = Dataset.open(SHIPPED).directories()[:3]
    for directory, name in zip(directories, ("a", "b", "c"), strict=True):
        shutil.copytree(directory, tmp_path / "all" / name)
    shutil.copytree(directories[1], tmp_path / "some" / "only")
    merge([tmp_path / "some"], tmp_path / "old", "1")
    old = Dataset.open(tmp_path / "old")
    merge([tmp_path / "all"], tmp_path / "new", "2", like=old)
    names = names_by_session(Dataset.open(tmp_path / "new"))
    assert names_by_session(old).items() < names.items()
    assert sorted(names.values()) == ["run-1", "run-2", "run-3"]


def test_a_part_of_what_was_released_is_divided_alike_and_sound(tmp_path: Path, merged: Dataset) -> None:
    split(merged, "1", test_families=["secret-to-egress"])
    benign = [r.path for r in merged.recordings() if r.session.settings["family"] != "secret-to-egress"]
    for path in benign[:2]:
        shutil.copytree(path, tmp_path / "part" / path.name)
    merge([tmp_path / "part"], tmp_path / "again", "1")
    again = Dataset.open(tmp_path / "again")
    assert split(again, "1", like=Dataset.open(merged.path)).test_families == []
    assert validate(Dataset.open(again.path)) == []


def test_differences_are_told(small: Dataset) -> None:
    old = Dataset.open(shutil.copytree(small.path, small.path.parent / "old"))
    shutil.rmtree(small.path / "recordings" / "run-4")
    release(small, "2", splits={"run-1": "test"})
    assert list(difference(old, Dataset.open(small.path)))[:4] == [
        "1 sessions only in the old: sabotage-benign",
        "session theft: train → test",
        "split test: malicious 1 → 2, twins 1 → 0, malicious events 3 → 6",
        "split train: recordings 1 → 0, malicious 1 → 0, events 5 → 0, malicious events 3 → 0",
    ]


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
