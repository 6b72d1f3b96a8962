"""Every baseline keeps the laws of `workbench.baseline.checks`."""

from __future__ import annotations

import random
from typing import Any

import pytest

from workbench.baseline import checks
from workbench.baseline.rarity import Rarity
from workbench.baseline.session import SessionShape
from workbench.baseline.volume import Volume
from workbench.scorer.enrich import drift_levels, drift_rarity, drift_trees
from workbench.scorer.enrich.drift_features import Volumes


def value_sets() -> list[dict[str, Any]]:
    rng = random.Random(3)
    return [{"values": set(rng.sample("abcdefgh", 3)), "session": n} for n in range(40)]


def volume_vectors() -> list[dict[str, Any]]:
    rng = random.Random(5)
    return [{name: rng.random() for name in Volumes.NAMES} for _ in range(120)]


def thaw_rarity(frozen: dict[str, Any]) -> Any:
    rarity = drift_rarity.Rarity(frozen)
    return lambda x: max(rarity.score(value) for value in x["values"])


def thaw_volume(frozen: dict[str, Any]) -> Any:
    return drift_levels.Levels(frozen).score


def thaw_shape(frozen: dict[str, Any]) -> Any:
    return drift_trees.HalfSpaceTrees(frozen).score


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
    assert burst.past_.counts["evil"] == 1
    assert burst.score_one({"values": {"evil"}}) > 2.5


def test_memory_and_the_frozen_form_are_bounded() -> None:
    rarity = Rarity()
    for n in range(2_000):
        rarity.learn_one({"values": {f"{n:0200d}", "git"}})
    assert len(rarity.past_.counts) <= 2 * drift_rarity.MAX_VALUES
    frozen = rarity.freeze()["counts"]
    assert frozen["git"] == 2_000
    assert sum(len(value) for value in frozen) <= drift_rarity.MAX_BYTES


@pytest.mark.parametrize("name", ["rarity", "volume"])
@pytest.mark.parametrize("days", [False, True])
def test_a_frozen_baseline_goes_on_learning_as_the_live_one(name: str, days: bool) -> None:
    make, xs, _ = BASELINES[name]
    if days:
        xs = [{**x, "day": 20_000 + n // 3} for n, x in enumerate(xs)]
    live = make()
    for n, x in enumerate(xs):
        if n == len(xs) // 2:
            frozen = make()
            frozen.past_ = type(live.past_)(live.freeze())
        live.learn_one(x)
        if n >= len(xs) // 2:
            frozen.learn_one(x)
    assert frozen.freeze() == live.freeze()
