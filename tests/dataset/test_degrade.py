"""What is left and what was lost make up the original, and the recording tells how much that was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dataset.conftest import SHIPPED
from workbench.dataset.dataset import Dataset
from workbench.dataset.degrade import HARNESS_LOG, LATE, Rates, degrade, degrade_events
from workbench.dataset.validate import validate
from workbench.errors import InputError

EVENTS: list[dict[str, Any]] = list(next(Dataset.open(SHIPPED).recordings()).events())[:400]
POSITION = {event["event.id"]: number for number, event in enumerate(EVENTS)}
shares = st.floats(0, 1)
rates = st.builds(Rates, drop=shares, reorder=shares, argv=shares, harness_log=shares, unattributed=shares)
MOVED = {"@timestamp"}


@settings(max_examples=25, deadline=None)
@given(rates=rates, seed=st.text(max_size=5))
def test_degraded_and_lost_make_the_original(rates: Rates, seed: str) -> None:
    result = degrade_events(EVENTS, rates, seed)
    assert sorted(POSITION[e["event.id"]] for e in (*result.events, *result.lost)) == list(range(len(EVENTS)))
    assert all(event == EVENTS[POSITION[event["event.id"]]] for event in result.lost)
    assert len(result.lost) == result.loss.total()
    changed: set[str] = set()
    for event in result.events:
        original = EVENTS[POSITION[event["event.id"]]]
        assert {n: v for n, v in original.items() if n in event and n not in MOVED} == {
            n: v for n, v in event.items() if n not in MOVED
        }
        changed |= {name for name in original if original[name] != event.get(name)}
    assert all(name.startswith(("process.", "gen_ai.", "attribution.", "@timestamp")) for name in changed)


@settings(max_examples=20, deadline=None)
@given(rates=rates, seed=st.text(max_size=5))
def test_the_same_seed_degrades_the_same(rates: Rates, seed: str) -> None:
    assert degrade_events(EVENTS, rates, seed) == degrade_events(EVENTS, rates, seed)


def test_nothing_is_lost_at_rates_of_nothing() -> None:
    result = degrade_events(EVENTS, Rates(), "seed")
    assert (result.events, result.lost, result.loss.total()) == (EVENTS, [], 0)


@settings(max_examples=20, deadline=None)
@given(seed=st.text(max_size=5), share=st.sampled_from([0.05, 0.2, 0.5]))
def test_the_rate_is_the_share_that_is_dropped(seed: str, share: float) -> None:
    kernel = sum(event["event.category"] != "agent" for event in EVENTS)
    dropped = degrade_events(EVENTS, Rates(drop=share), seed).loss.dropped
    assert abs(dropped / kernel - share) < 4 * (share * (1 - share) / kernel) ** 0.5


def test_a_late_event_is_overtaken_by_a_few() -> None:
    result = degrade_events(EVENTS, Rates(reorder=0.2), "seed")
    moved = [e for e in result.events if e["@timestamp"] != EVENTS[POSITION[e["event.id"]]]["@timestamp"]]
    assert 0 < len(moved) <= result.loss.reordered
    times = [event["@timestamp"] for event in EVENTS]
    for event in moved:
        furthest = min(POSITION[event["event.id"]] + LATE, len(times) - 1)
        assert event["@timestamp"] <= times[furthest] + 1


def test_without_arguments_no_event_tells_them() -> None:
    result = degrade_events(EVENTS, Rates(argv=1), "seed")
    telling = ("process.args", "process.command_line", "process.parent.command_line")
    known = {e["process.entity_id"] for e in EVENTS if "process.args" in e}
    left = [e for e in result.events if any(name in e for name in telling)]
    assert all(e.get("process.parent.entity_id") not in known for e in left)
    assert result.loss.truncated > 0


def test_without_the_harness_log_only_the_recorder_tells_of_the_session() -> None:
    result = degrade_events(EVENTS, Rates(harness_log=1), "seed")
    agent = [event for event in result.events if event["event.category"] == "agent"]
    assert {event["event.provider"] for event in agent} <= {"recorder"}
    assert result.loss.not_visible == {HARNESS_LOG: len(result.lost)}
    assert all(
        event.get("attribution.method") == "environment"
        for event in result.events
        if "gen_ai.tool.call.id" in event
    )


def test_an_unattributed_span_says_nothing_of_its_session() -> None:
    result = degrade_events(EVENTS, Rates(unattributed=0.3), "seed")
    bare = [e for e in result.events if e["event.category"] != "agent" and "gen_ai.conversation.id" not in e]
    before = sum("gen_ai.conversation.id" not in e for e in EVENTS)
    assert len(bare) - before <= result.loss.unattributed <= len(bare)
    assert not any("process.parent.entity_id" in event for event in bare[:1])


def test_a_degraded_dataset_is_sound_but_for_what_it_cannot_prove(tmp_path: Path) -> None:
    whole = Dataset.open(SHIPPED)
    few = dict(list(whole.manifest.recordings.items())[:4])
    source = Dataset(whole.path, msgspec.structs.replace(whole.manifest, recordings=few))
    manifest = degrade(source, tmp_path / "d", Rates(drop=0.05, harness_log=0.5), seed=3)
    degraded = Dataset.open(tmp_path / "d")
    assert list(manifest.recordings) == list(source.manifest.recordings)
    assert all("not reachable" in fault for fault in validate(degraded))
    for before, after in zip(source.recordings(), degraded.recordings(), strict=True):
        lost = len(list(before.events())) - len(list(after.events()))
        assert after.session.loss.total() - before.session.loss.total() == lost
        assert after.session.settings["degraded"]["drop"] == 0.05
    without_log = [HARNESS_LOG in r.session.loss.not_visible for r in degraded.recordings()]
    assert set(without_log) == {True, False}


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_a_rate_that_is_no_share_is_refused(rate: float) -> None:
    with pytest.raises(InputError, match="the rate of drop is"):
        Rates(drop=rate)
