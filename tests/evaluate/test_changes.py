"""Tuning proves what it proposes, comparing tells what changed, and an ablation takes one thing away."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.evaluate.conftest import SEND, Record, network, opened
from workbench.errors import InputError
from workbench.evaluate import tuning
from workbench.evaluate.ablation import ablated, forget_whose
from workbench.evaluate.backtest import Report, add_up, backtest, outcomes
from workbench.evaluate.comparison import compare
from workbench.evaluate.replay import Variant
from workbench.pack import build_payload
from workbench.rule import load
from workbench.scorer import Scorer
from workbench.scorer.payload import decode_payload

INSIDE, OUTSIDE = "198.51.100.7", "203.0.113.9"


@pytest.fixture
def directories(record: Record) -> list[Path]:
    return [
        record("leak1", [("read", opened("/h/k.pem")), ("send", network("connect", OUTSIDE))]),
        record("leak2", [("send", network("connect", OUTSIDE))]),
        record("work1", [("", network("connect", INSIDE))]),
        record("work2", [("", network("connect", INSIDE)), ("", opened("/h/a.txt"))]),
    ]


@pytest.fixture
def before(small: bytes, directories: list[Path]) -> Report:
    return backtest(small, directories)


def test_a_filter_is_proposed_and_proved(
    rules: Path, small: bytes, directories: list[Path], before: Report
) -> None:
    ruleset = load([rules])
    (proposal, *_) = tuning.propose(small, tuning.find(ruleset, SEND), before, directories)
    assert (proposal.field, proposal.values) == ("destination.ip", (INSIDE,))
    after = backtest(
        build_payload(tuning.with_filter(ruleset, proposal), "small", "2", registries={}), directories
    )
    proof = tuning.prove(SEND, before, after)
    assert (proof.caught, proof.false_positives, proof.lost) == ((2, 2), (2, 0), ())
    assert proof.holds
    changed = compare(before, after)
    assert [(one.recording, one.better) for one in changed.verdicts] == [("work1", True), ("work2", True)]
    assert [(rule.before, rule.after) for rule in changed.rules] == [((2, 2), (2, 0))]
    assert compare(before, before).same


def test_there_is_nothing_to_tune_without_a_false_positive(
    small: bytes, directories: list[Path], before: Report
) -> None:
    assert tuning.false_positives(before, SEND, ["work2"]) == ["work2"]
    with pytest.raises(
        InputError, match=r"not benign recordings .*: leak1, nowhere \(mend: use work1, work2"
    ):
        tuning.false_positives(before, SEND, ["nowhere", "leak1", "work1"])
    with pytest.raises(InputError, match="no false positive on these 2 recordings"):
        tuning.false_positives(backtest(small, directories[:2]), SEND)


def test_nothing_is_proposed_that_attacks_share(
    rules: Path, small: bytes, record: Record, before: Report
) -> None:
    alike = [
        record("leak3", [("send", network("connect", OUTSIDE))]),
        record("work3", [("", network("connect", OUTSIDE))]),
    ]
    report = backtest(small, alike)
    assert list(tuning.propose(small, tuning.find(load([rules]), SEND), report, alike)) == []


def test_a_proof_fails_when_an_attack_is_lost(small: bytes, directories: list[Path], before: Report) -> None:
    silent = [found for (found,) in outcomes([Variant(small, _silence)], directories)]
    nothing_caught = add_up(silent, Scorer.from_payload(small).plan)
    proof = tuning.prove(SEND, before, nothing_caught)
    assert proof.lost == ("leak1", "leak2") and not proof.holds


def _silence(events: object, session: str) -> list[dict[str, object]]:
    return []


def test_runs_without_a_common_recording_are_not_compared(
    small: bytes, record: Record, before: Report
) -> None:
    other = backtest(small, [record("else1", [("", opened("/x"))])])
    with pytest.raises(InputError, match="no recording in common"):
        compare(before, other)


def test_an_unknown_rule_is_refused(rules: Path) -> None:
    with pytest.raises(InputError, match="no rule 'nothing'"):
        tuning.find(load([rules]), "nothing")


def test_an_ablation_takes_one_thing_away(tmp_path: Path) -> None:
    file = tmp_path / "r.yml"
    file.write_text(
        "title: Secret\nid: 22222222-0000-4000-8000-000000000001\nlogsource: {category: file_access}\n"
        "detection: {s: {TargetFilename: /k}, condition: s}\nworkbench: {label: secret}\n"
    )
    whole = build_payload(load([file]), "p", "1")
    assert decode_payload(ablated(whole, "drift")).baselines == []
    assert "agents" not in decode_payload(ablated(whole, "attribution")).registries
    (rule,) = decode_payload(ablated(whole, "provenance")).plan.rules
    assert (rule.label, rule.silent) == ("", True)
    event = {
        "event.category": "file",
        "gen_ai.tool.call.id": "c",
        "attribution.actor": "agent",
        "file.path": "/k",
    }
    assert list(forget_whose([event], "s")) == [{"event.category": "file", "file.path": "/k"}]
