"""A gate tells every reason why a pack must not ship, and passes one that keeps the policy."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.errors import InputError
from workbench.evaluate.backtest import Report, backtest
from workbench.evaluate.gate import reasons_against
from workbench.evaluate.load import load_payload
from workbench.evaluate.metrics import Judged, measure
from workbench.evaluate.policy import Policy, read_policy

ROOT = Path(__file__).parents[2]
DIRECTORIES = sorted((ROOT / "datasets/quickstart/recordings").iterdir())[:6]


@pytest.fixture(scope="module")
def judged() -> tuple[bytes, Report]:
    payload = load_payload(ROOT / "rules")
    return payload, backtest(payload, DIRECTORIES)


def test_it_passes_what_keeps_the_policy(judged: tuple[bytes, Report]) -> None:
    policy = Policy(recall=1.0, precision=1.0, false_positives_per_1000=0, techniques=True)
    assert reasons_against(*judged, policy, DIRECTORIES) == []


def test_it_tells_every_reason_at_once(judged: tuple[bytes, Report]) -> None:
    policy = Policy(
        minimum_malicious=50,
        precision=1.01,
        recall=1.01,
        recall_by_scenario={"wiper-prompt": 0.9, "secret-to-egress": 1.01},
        latency_p99_9_us=0.001,
    )
    told = "\n".join(reasons_against(*judged, policy, DIRECTORIES))
    assert "malicious sessions are too few" in told
    assert "recall is 1, the policy wants 1.01" in told
    assert "precision is 1, the policy wants 1.01" in told
    assert "scenario wiper-prompt: no malicious session" in told
    assert "scenario secret-to-egress: recall is 1" in told
    assert "p99.9 latency" in told


def test_what_nothing_here_can_show_is_not_met(small: bytes) -> None:
    policy = Policy(
        recall=0.5,
        precision=0.5,
        prevented=0.5,
        false_positives_per_1000=5,
        false_positives_on_twins=0.5,
        benign_calls_stopped=0.5,
    )
    reasons = reasons_against(small, backtest(small, []), policy, [])
    assert len(reasons) == 6
    assert all("not known" in reason for reason in reasons)


def test_a_policy_with_an_unknown_demand_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p.yml").write_text("recal: 0.9\n")
    with pytest.raises(InputError, match=r"p\.yml: not a policy: .*recal"):
        read_policy(tmp_path / "p.yml")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("recall: 95", "recall"),
        ("recall_by_family: {leak: 90}", "recall_by_family"),
        ("false_positives_on_twins: 2", "false_positives_on_twins"),
        ("false_positives_per_1000: -1", "false_positives_per_1000"),
        ("approvals: -1", "approvals"),
        ("minimum_benign: many", "minimum_benign"),
    ],
)
def test_a_demand_that_nothing_can_meet_is_refused(tmp_path: Path, text: str, wrong: str) -> None:
    (tmp_path / "p.yml").write_text(text)
    with pytest.raises(InputError, match=rf"p\.yml: not a policy: .*{wrong}"):
        read_policy(tmp_path / "p.yml")


def test_the_example_policy_reads() -> None:
    assert read_policy(ROOT / "examples/policy.yml").recall == 0.95


def test_no_false_positive_in_few_sessions_is_not_none_at_all() -> None:
    few = measure([Judged(False, False)] * 9)
    many = measure([Judged(False, False)] * 900)
    assert few.false_positives_per_1000 == many.false_positives_per_1000 == 0
    assert few.false_positives_per_1000_upper > 250
    assert many.false_positives_per_1000_upper < 4


def test_rates_without_a_denominator_are_not_known() -> None:
    nothing = measure([])
    assert nothing.precision is nothing.recall is nothing.f1 is nothing.false_positives_per_1000 is None
