"""Laws that every baseline keeps, to be run over each (as river does for its estimators)."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cbor2

from workbench.baseline.base import Baseline

Observation = Mapping[str, Any]
Make = Callable[[], Baseline]
Thaw = Callable[[dict[str, Any]], Callable[[Observation], float]]


def _learned(make: Make, xs: Sequence[Observation]) -> Baseline:
    baseline = make()
    for x in xs:
        baseline.learn_one(x)
    return baseline


def check_not_ready_says_so(make: Make, xs: Sequence[Observation]) -> None:
    """A model that learned nothing is not ready, and scores None rather than 0."""
    assert not make().ready
    assert make().score_one(xs[0]) is None


def check_inputs_are_not_changed(make: Make, xs: Sequence[Observation]) -> None:
    """Neither learning nor scoring changes an observation."""
    before = copy.deepcopy(list(xs))
    baseline = _learned(make, xs)
    for x in xs:
        baseline.score_one(x)
    assert list(xs) == before


def check_scoring_does_not_learn(make: Make, xs: Sequence[Observation]) -> None:
    """Scoring the same observation twice gives the same score and the same frozen form."""
    baseline = _learned(make, xs)
    frozen = baseline.freeze()
    assert [baseline.score_one(x) for x in xs] == [baseline.score_one(x) for x in xs]
    assert baseline.freeze() == frozen


def check_deterministic(make: Make, xs: Sequence[Observation]) -> None:
    """Two models that learned the same are the same."""
    assert _learned(make, xs).freeze() == _learned(make, xs).freeze()


def check_order_of_features_is_irrelevant(make: Make, xs: Sequence[Observation]) -> None:
    """The order in which an observation names its features changes nothing."""
    turned = [dict(reversed(list(x.items()))) for x in xs]
    one, other = _learned(make, xs), _learned(make, turned)
    assert [one.score_one(x) for x in xs] == [other.score_one(x) for x in turned]


def check_frozen_equals_live(make: Make, xs: Sequence[Observation], thaw: Thaw) -> None:
    """What the pack carries scores as the live model does, to 1e-9, after a round trip through CBOR."""
    baseline = _learned(make, xs)
    assert baseline.ready
    carried = cbor2.loads(cbor2.dumps(baseline.freeze(), canonical=True))
    score = thaw(carried)
    for x in xs:
        live = baseline.score_one(x)
        assert live is not None
        assert math.isclose(score(x), live, rel_tol=0, abs_tol=1e-9)


CHECKS = (
    check_not_ready_says_so,
    check_inputs_are_not_changed,
    check_scoring_does_not_learn,
    check_deterministic,
    check_order_of_features_is_irrelevant,
)
"""The laws that need nothing but a way to make the model and observations."""
