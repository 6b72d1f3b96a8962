"""The page of numbers holds what was measured against the goals, and keeps text as text."""

from __future__ import annotations

from functools import partial

from tests.evaluate.conftest import Record, network, opened
from workbench.dataset.degrade import Rates
from workbench.evaluate.backtest import add_up, backtest, outcomes
from workbench.evaluate.loss import lose, under_loss
from workbench.evaluate.numbers import Numbers, to_markdown
from workbench.evaluate.replay import Variant
from workbench.evaluate.report import to_json
from workbench.scorer import Scorer

HOST = "203.0.113.9"


def test_goals_losses_and_mistakes(small: bytes, record: Record) -> None:
    send = ("send", network("connect", HOST))
    directories = [
        record("leak1", [send]),
        record("leak2", [("read", opened("/h/k.pem"))], mutator="low|slow", scenario="a|b"),
        record("work1", [("", opened("/h/a"))]),
    ]
    everything = partial(lose, rates=Rates(drop=1.0), seed=0)
    found = list(outcomes([Variant(small), Variant(small, everything, near=False)], directories))
    losses = {"5 % dropped": under_loss([lost for _, lost in found])}
    assert losses["5 % dropped"].recall.count == 0
    assert losses["5 % dropped"].recall.of == 2  # what lost every event is still an attack
    report = add_up([whole for whole, _ in found], Scorer.from_payload(small).plan)
    assert to_json(report) == to_json(backtest(small, directories))
    page = to_markdown(Numbers("Numbers", "workbench numbers", report, {}, losses, frozenset({"a|b"})))
    assert "| recall of malicious sessions | ≥ 0.95 | 1 of 2: 0.50 [0.01, 0.99] | falls short |" in page
    assert "| recall lost to 5 % loss | ≤ 0.03 | 0.5 | falls short |" in page
    assert "| never trained on | 0 of 1: 0.00 [0.00, 0.97] | none to judge by |" in page
    assert "known gaps: `low\\|slow` (0 of 1" in page
    assert "| `leak2` | `a\\|b` | `low\\|slow` | missed |" in page
