"""How far a patient attacker moves what goes on learning on a host in 30 days, and what bounds it.

The figures are of made sessions, twenty a day, not of recorded ones.
"""

from __future__ import annotations

import math
import random

import pytest

from workbench.baseline.rarity import Rarity
from workbench.baseline.volume import Volume
from workbench.scorer.enrich.drift_features import Volumes
from workbench.scorer.enrich.drift_levels import GROWTH_A_DAY, SHIFT_A_DAY
from workbench.scorer.enrich.drift_rarity import DISTINCT_DAYS

DAYS, SESSIONS, TODAY = 30, 20, 20_000
ALERT_NATS = 2.8  # what the drift rules ask for
ALERT_SPREADS = 3.0


def passing(attacked: int, *, last: bool = False, bounded: bool = True) -> float:
    """Give how many times as many bytes pass on the worst of 30 days as on the first.

    An honest session sends 0.3 of the log scale, give or take 0.02: some 1,000 bytes. The attacker has so
    many of the day's sessions, its first or its last, and always sends just what passes.
    """
    rng, volume = random.Random(11), Volume()

    def learn(bytes_out: float, **day: int) -> None:
        volume.learn_one({**dict.fromkeys(Volumes.NAMES, 0.3), "bytes_out": bytes_out, **day})

    for _ in range(100):
        learn(rng.gauss(0.3, 0.02))
    passes = []
    for day in range(DAYS):
        for number in range(SESSIONS):
            mean, spread = volume.past_.spreads()["bytes_out"]
            passes.append(min(1.0, mean + ALERT_SPREADS * spread))
            his = number >= SESSIONS - attacked if last else number < attacked
            when = {"day": TODAY + day} if bounded else {}
            learn(passes[-1] if his else rng.gauss(0.3, 0.02), **when)
    return math.exp(math.log1p(Volumes.CEILINGS["bytes_out"]) * (max(passes) - passes[0]))


@pytest.mark.parametrize(("attacked", "times"), [(0, 1.1), (3, 1.1), (5, 1.3), (10, 2.2), (20, 7.8)])
def test_what_passes_grows_little_whatever_he_sends_and_when(attacked: int, times: float) -> None:
    worst = max(passing(attacked), passing(attacked, last=True))
    assert worst == pytest.approx(times, abs=0.05)


def test_the_bound_follows_from_what_a_day_may_move() -> None:
    spread = (1 + GROWTH_A_DAY) ** DAYS
    shift = SHIFT_A_DAY * (spread - 1) / GROWTH_A_DAY
    most = ALERT_SPREADS * (spread - 1) + shift  # in spreads of the first day, which is 0.0232 here
    assert passing(20) <= math.exp(math.log1p(Volumes.CEILINGS["bytes_out"]) * most * 0.0232)


@pytest.mark.parametrize(("attacked", "times"), [(1, 1.3), (3, 2.2), (5, 10.0)])
def test_clipping_alone_bears_less(attacked: int, times: float) -> None:
    assert passing(attacked, bounded=False) == pytest.approx(times, abs=0.05)


def days_until_usual(attacked: int, *, flood: int = SESSIONS) -> int | None:
    """Give on which day a new program is no surprise any more, in so many of a day's sessions."""
    rarity = Rarity()
    for _ in range(100):
        rarity.learn_one({"values": {"git"}})
    for day in range(DAYS):
        for number in range(flood):
            values = {"git", "nc"} if number < attacked else {"git"}
            rarity.learn_one({"values": values, "day": TODAY + day})
        if (rarity.score_one({"values": {"nc"}}) or 0) < ALERT_NATS:
            return day + 1
    return None


def test_a_new_value_counts_after_so_many_days_and_then_by_its_share() -> None:
    assert days_until_usual(1) is None  # 3.06 nats after 30 days
    assert days_until_usual(2) == 6
    assert days_until_usual(SESSIONS) == DISTINCT_DAYS
    assert days_until_usual(500, flood=500) == DISTINCT_DAYS  # a flood on one day buys nothing


def test_however_often_a_session_repeats_a_value_it_counts_once() -> None:
    rarity = Rarity()
    for _ in range(20):
        rarity.learn_one({"values": ["nc"] * 10_000})
    assert rarity.past_.counts["nc"] == 20
