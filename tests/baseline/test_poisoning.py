"""How far a patient attacker moves a baseline in 30 days, and what bounds it.

The attacker has one of twenty sessions a day. The figures are of made sessions, not of recorded ones.
"""

from __future__ import annotations

import math
import random

import pytest

from workbench.baseline.rarity import Rarity
from workbench.baseline.volume import Volume
from workbench.scorer.enrich.drift_features import Volumes

DAYS, SESSIONS, ATTACKED = 30, 20, 1
ALERT_NATS = 2.8  # what the drift rules ask for
ALERT_DEVIATIONS = 3.0


def test_a_rare_value_stays_as_rare_as_the_share_of_sessions_that_showed_it() -> None:
    rarity = Rarity()
    for _ in range(DAYS):
        for number in range(SESSIONS):
            rarity.learn_one({"values": {"git", "nc"} if number < ATTACKED else {"git"}})
    score = rarity.score_one({"values": {"nc"}})
    bound = -math.log((DAYS * ATTACKED + 0.5) / (DAYS * SESSIONS + 1))
    assert score == pytest.approx(bound)
    assert score > ALERT_NATS  # 2.98 nats: one session in twenty is not enough, one in sixteen is


def test_however_often_a_session_repeats_a_value_it_counts_once() -> None:
    rarity = Rarity()
    for _ in range(20):
        rarity.learn_one({"values": ["nc"] * 10_000})
    assert rarity.counts_["nc"] == 20


def passing(*, attacked: int, learn_alerts: bool = False) -> float:
    """Give the largest upload that passed on any of 30 days, as a share of the log scale of bytes.

    An honest session sends 0.3 of it, give or take 0.02: some 1,000 bytes. The attacker sends what passes.
    """
    rng, volume, largest = random.Random(11), Volume(), 0.0

    def vector(bytes_out: float) -> dict[str, float]:
        return dict.fromkeys(Volumes.NAMES, 0.3) | {"bytes_out": bytes_out}

    for _ in range(100):
        volume.learn_one(vector(rng.gauss(0.3, 0.02)))
    for _ in range(DAYS):
        for number in range(SESSIONS):
            mean, deviation = volume.freeze()["bytes_out"]
            largest = max(largest, passes := min(1.0, mean + ALERT_DEVIATIONS * deviation))
            if number < attacked:
                volume.learn_one(vector(1.0 if learn_alerts else passes))
            else:
                volume.learn_one(vector(rng.gauss(0.3, 0.02)))
    return largest


@pytest.mark.parametrize(("attacked", "largest"), [(0, 0.383), (1, 0.408), (2, 0.469)])
def test_an_attacker_who_stays_below_the_alert_gains_little(attacked: int, largest: float) -> None:
    # So much more of the log scale is 1.8 times the bytes with one session in twenty, 7 times with two.
    assert passing(attacked=attacked) == pytest.approx(largest, abs=0.001)


def test_three_sessions_in_twenty_are_more_than_it_bears() -> None:
    assert passing(attacked=3) == 1  # a known gap: his own sessions widen the spread that lets them pass


def test_learning_what_was_a_finding_would_let_anything_pass() -> None:
    assert passing(attacked=ATTACKED, learn_alerts=True) > 0.7
