"""A disguised recording says the same, on another day and after another boot."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.dataset.conftest import SHIPPED
from workbench.dataset.dataset import Dataset
from workbench.dataset.disguise import Disguise, disguise
from workbench.dataset.process_tree import ProcessTree
from workbench.event import TIMESTAMPS

MOVED = {*TIMESTAMPS, "host.id", "process.working_directory"}


def test_only_dates_boot_and_the_recorders_directory_change(tmp_path: Path) -> None:
    recording = next(Dataset.open(SHIPPED).recordings())
    changed = disguise(recording, tmp_path / "d")
    before, after = list(recording.events()), list(changed.events())
    kept = [
        {n: v for n, v in event.items() if n not in MOVED and not n.endswith("entity_id")}
        for event in (*before, *after)
    ]
    assert kept[: len(before)] == kept[len(before) :]
    shifts = {b["@timestamp"] - a["@timestamp"] for a, b in zip(before, after, strict=True)}  # type: ignore[operator]
    assert len(shifts) == 1
    assert recording.session.boot[:8] not in {str(e.get("process.entity_id"))[:8] for e in after}
    trees = ProcessTree(before), ProcessTree(after)
    assert [len(trees[0].line(str(e.get("process.entity_id")))) for e in before] == [
        len(trees[1].line(str(e.get("process.entity_id")))) for e in after
    ]
    assert changed.labels() == recording.labels()


def test_the_same_seed_disguises_the_same(tmp_path: Path) -> None:
    recording = next(Dataset.open(SHIPPED).recordings())
    one, other = disguise(recording, tmp_path / "a", 3), disguise(recording, tmp_path / "b", 3)
    assert list(one.events()) == list(other.events())
    assert disguise(recording, tmp_path / "c", 4).session.started != one.session.started


@given(st.integers(10**18, 4 * 10**18), st.integers(0, 1 << 30), st.integers(0, 23))
def test_a_recording_begins_at_the_hour_asked_for_or_a_working_one(
    started: int, seed: int, hour: int
) -> None:
    for asked, hours in ((hour, {hour}), (None, set(range(7, 19)))):
        moved = Disguise(str(seed))
        moved.begin_at(started, asked)
        assert (started + moved.shift) // 3_600_000_000_000 % 24 in hours
