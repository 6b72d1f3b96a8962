"""Recall as a function of what a capture lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from workbench.dataset.degrade import Rates, degrade_events
from workbench.evaluate.metrics import Share, share
from workbench.evaluate.outcome import Outcome
from workbench.evaluate.replay import Variant
from workbench.event import Event, Value

LOSSES: Mapping[str, Rates] = {
    "1 % dropped": Rates(drop=0.01),
    "5 % dropped": Rates(drop=0.05),
    "20 % dropped": Rates(drop=0.2),
    "5 % late": Rates(reorder=0.05),
    "5 % of processes without arguments": Rates(argv=0.05),
    "5 % unattributed": Rates(unattributed=0.05),
    "no harness log": Rates(harness_log=1.0),
    "5 % of each, no harness log": Rates(
        drop=0.05, reorder=0.05, argv=0.05, unattributed=0.05, harness_log=1.0
    ),
}
"""What is lost, by name: the kinds a sensor can suffer, and all together."""


@dataclass(frozen=True, slots=True)
class UnderLoss:
    """The fused verdict with so much lost: recall of attacks, and share of benign sessions alerted on."""

    recall: Share
    false_alarms: Share


def lose(events: Sequence[Event], session: str, *, rates: Rates, seed: int) -> list[dict[str, Value]]:
    """Lose events and fields at random, the same for the same session and seed."""
    return degrade_events(events, rates, f"{seed}:{session}").events


def loss_variants(payload: bytes, seed: int = 0) -> dict[str, Variant]:
    """Give how to score under each of `LOSSES`."""
    return {
        name: Variant(payload, partial(lose, rates=rates, seed=seed), near=False)
        for name, rates in LOSSES.items()
    }


def under_loss(outcomes: Sequence[Outcome]) -> UnderLoss:
    """Add up what was found under a loss; truth stays that of the whole recording."""
    return UnderLoss(
        share(outcome.called for outcome in outcomes if outcome.malicious),
        share(outcome.called for outcome in outcomes if not outcome.malicious),
    )
