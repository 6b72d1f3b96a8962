"""The page of numbers holds what was measured against the goals, and keeps text as text."""

from __future__ import annotations

from tests.evaluate.conftest import Record, network, opened
from workbench.dataset.degrade import Rates
from workbench.evaluate.backtest import backtest
from workbench.evaluate.loss import under_loss
from workbench.evaluate.numbers import Numbers, to_markdown

HOST = "203.0.113.9"


def test_goals_losses_and_mistakes(small: bytes, record: Record) -> None:
    send = ("send", network("connect", HOST))
    directories = [
        record("leak1", [send]),
        record("leak2", [("read", opened("/h/k.pem"))], mutator="low|slow", scenario="a|b"),
        record("work1", [("", opened("/h/a"))]),
    ]
    losses = under_loss(small, directories, {"nothing": Rates(), "5 % dropped": Rates(drop=1.0)})
    assert (losses["nothing"].recall.count, losses["5 % dropped"].recall.count) == (1, 0)
    assert losses["5 % dropped"].recall.of == 2  # what lost every event is still an attack
    page = to_markdown(Numbers("Numbers", "workbench numbers", backtest(small, directories), {}, losses))
    assert "| recall of malicious sessions | ≥ 0.95 | 1 of 2: 0.50 [0.01, 0.99] | falls short |" in page
    assert "| recall lost to 5 % loss | ≤ 0.03 | 0.5 | falls short |" in page
    assert "known gaps: `low\\|slow` (0 of 1" in page
    assert "| `leak2` | `a\\|b` | `low\\|slow` | missed |" in page
