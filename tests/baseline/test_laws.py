"""Every baseline keeps the laws of `workbench.baseline.checks`."""

from __future__ import annotations

import random
from typing import Any

import pytest

from workbench.baseline import checks
from workbench.baseline.rarity import Rarity
from workbench.baseline.session import SessionShape
from workbench.baseline.volume import Volume
from workbench.scorer.enrich import drift
from workbench.scorer.enrich.drift_features import Volumes


def value_sets() -> list[dict[str, Any]]:
    rng = random.Random(3)
    return [{"values": set(rng.sample("abcdefgh", 3)), "session": n} for n in range(40)]


def volume_vectors() -> list[dict[str, Any]]:
    rng = random.Random(5)
    return [{name: rng.random() for name in Volumes.NAMES} for _ in range(120)]


def thaw_rarity(frozen: dict[str, Any]) -> Any:
    rarity = drift.Rarity(frozen)
    return lambda x: max(rarity.score(value) for value in x["values"])


def thaw_volume(frozen: dict[str, Any]) -> Any:
    data = {"version": 1, "agent": "a", "rarity": {}, "volumes": frozen, "session": None}
    return drift.AgentBaseline(data).rate


def thaw_shape(frozen: dict[str, Any]) -> Any:
    return drift.HalfSpaceTrees(frozen).score


BASELINES = {
    "rarity": (Rarity, value_sets(), thaw_rarity),
    "volume": (Volume, volume_vectors(), thaw_volume),
    "session": (SessionShape, volume_vectors(), thaw_shape),
}


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.__name__)
def test_law(name: str, check: Any) -> None:
    make, xs, _ = BASELINES[name]
    check(make, xs)


@pytest.mark.parametrize("name", BASELINES)
def test_frozen_equals_live(name: str) -> None:
    checks.check_frozen_equals_live(*BASELINES[name])


def test_one_session_teaches_at_most_one_count() -> None:
    burst, calm = Rarity(), Rarity()
    for n in range(20):
        burst.learn_one({"values": {"git", "evil"} if n == 0 else {"git"}})
        calm.learn_one({"values": {"git"}})
    assert burst.counts_["evil"] == 1
    assert burst.score_one({"values": {"evil"}}) > 2.5


def test_memory_is_bounded() -> None:
    rarity = Rarity(max_values=10)
    for n in range(1_000):
        rarity.learn_one({"values": {f"name-{n}", "git"}})
    assert len(rarity.counts_) <= 21
    assert len(rarity.freeze()["counts"]) == 10
    assert rarity.freeze()["counts"]["git"] == 1_000
