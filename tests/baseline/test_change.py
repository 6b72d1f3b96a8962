"""The scorer's test for change is river's, rests after one, and is quiet while nothing changes."""

from __future__ import annotations

import random

from river.drift import PageHinkley

from workbench.scorer.enrich.drift_change import (
    ALPHA,
    COOL_DOWN,
    DELTA,
    MIN_SESSIONS,
    THRESHOLD,
    Change,
)


def changes(values: list[float]) -> list[int]:
    test, found = Change(), []
    for number, value in enumerate(values):
        test = Change(test.freeze())  # what a restart, or the pack, carries is all it needs
        test.learn(value)
        if test.since == 0:
            found.append(number)
    return found


def rivers(values: list[float]) -> list[int]:
    test = PageHinkley(min_instances=MIN_SESSIONS, delta=DELTA, threshold=THRESHOLD, alpha=ALPHA)
    found: list[int] = []
    for number, value in enumerate(values):
        if found and number <= found[-1] + COOL_DOWN:
            continue
        test.update(value)
        if test.drift_detected:
            found.append(number)
    return found


def test_it_is_rivers_with_a_rest_after_a_change() -> None:
    rng = random.Random(2)
    for step in (-3.0, -1.0, 0.0, 1.0, 3.0):
        values = [rng.gauss(0, 1) for _ in range(100)] + [rng.gauss(step, 1) for _ in range(200)]
        assert changes(values) == rivers(values)


def test_a_new_level_is_told_soon_and_once_and_noise_is_not() -> None:
    rng = random.Random(4)
    noise = [rng.gauss(0, 0.7) for _ in range(600)]
    assert changes(noise) == []
    (at,) = changes(noise + [rng.gauss(1.5, 0.7) for _ in range(60)])
    assert 600 <= at <= 615
