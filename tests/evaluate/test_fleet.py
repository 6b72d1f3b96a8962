"""A fleet holds the behaviour of what was recorded, in sessions, hosts and times of its own."""

from __future__ import annotations

from pathlib import Path

from workbench.dataset.dataset import Dataset
from workbench.dataset.validate import validate
from workbench.evaluate.fleet import NOTE, multiply

SHIPPED = Path("datasets/quickstart")


def test_a_fleet_is_sessions_of_their_own(tmp_path: Path) -> None:
    recordings = list(Dataset.open(SHIPPED).recordings())
    made = list(multiply(recordings, tmp_path / "fleet", events=20_000, hosts=3, days=2, seed=5))
    assert sum(events for _, events in made) >= 20_000
    fleet = Dataset.open(tmp_path / "fleet")
    copies = list(fleet.recordings())
    assert len(copies) == len(made)
    assert validate(fleet) == []
    known = {recording.session.id for recording in recordings}
    assert len({copy.session.id for copy in copies} | known) == len(copies) + len(known)
    assert {copy.session.host for copy in copies} <= {f"host-{n:05d}" for n in range(3)}
    for copy in copies:
        assert copy.session.notes[-1] == NOTE
        events = list(copy.events())
        assert {e["gen_ai.conversation.id"] for e in events if "gen_ai.conversation.id" in e} <= {
            copy.session.id
        }
        boots = {str(e["process.entity_id"]).partition("-")[0] for e in events if "process.entity_id" in e}
        assert boots == {copy.session.boot}
        assert copy.session.started <= min(int(e["@timestamp"]) for e in events)  # type: ignore[call-overload]


def test_the_same_seed_gives_the_same_fleet(tmp_path: Path) -> None:
    recordings = list(Dataset.open(SHIPPED).recordings())
    for name in ("a", "b"):
        list(multiply(recordings, tmp_path / name, events=3_000, seed=1))
    first, second = (
        [[list(r.events()), r.session] for r in Dataset.open(tmp_path / name).recordings()]
        for name in ("a", "b")
    )
    assert first == second
