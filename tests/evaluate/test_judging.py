"""What is said of a backtest, on sessions small enough to count by hand."""

from __future__ import annotations

import io
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from tests.evaluate.conftest import CAT, DELETE, OPEN, SEND, Record, call, deleted, network, opened
from workbench.evaluate.backtest import Report, backtest
from workbench.evaluate.breakdown import heat_map, recall_by
from workbench.evaluate.curves import precision_recall
from workbench.evaluate.dummies import dummies
from workbench.evaluate.metrics import Judged, measure
from workbench.evaluate.near_miss import nearest_misses
from workbench.evaluate.overlap import only_by, overlaps
from workbench.evaluate.report import read_report, to_html, to_json, to_tables
from workbench.evaluate.report.sections import sections
from workbench.evaluate.scorecard import scorecard
from workbench.evaluate.summary import summarise
from workbench.evaluate.timeliness import blocking, timeliness

HOST = "203.0.113.9"


@pytest.fixture
def directories(record: Record) -> list[Path]:
    key, send, more = (
        ("read", opened("/h/k.pem")),
        ("send", network("connect", HOST)),
        ("send", network("send", HOST)),
    )
    work = [("", call("c1")), ("", opened("/h/a.txt"))]
    return [
        record("leak1", [*work, key, send, more], family="leak"),
        record("leak2", [*work, key, more, send], family="leak", mutator="renamed-binary"),
        record("slow1", [*work, key, ("send", network("send", HOST, CAT))], family="slow"),
        record(
            "twin1", [*work, ("", opened("/h/k.pem")), ("", deleted("/tmp/x"))], family="leak", twin_of="leak"
        ),
        record("work1", work),
    ]


@pytest.fixture
def report(small: bytes, directories: list[Path]) -> Report:
    return backtest(small, directories)


def test_an_attack_that_goes_on_in_another_session_is_judged_by_the_worst(
    small: bytes, record: Record
) -> None:
    later = {"gen_ai.conversation.id": "another", **network("connect", HOST)}
    report = backtest(small, [record("leak1", [("read", opened("/h/k.pem")), ("send", later)])])
    (outcome,) = report.outcomes
    assert (outcome.called, outcome.decision) == (True, "alert")
    assert "pattern" in outcome.risks


def test_the_verdict_and_each_rule_are_counted_by_session(report: Report) -> None:
    assert (report.verdict.true_positives, report.verdict.malicious) == (2, 3)
    assert (report.verdict.false_positives, report.verdict.benign) == (1, 2)
    by_rule = {rule.rule_id: rule.metrics for rule in report.rules}
    assert by_rule[SEND].precision == 1.0
    assert (by_rule[OPEN].true_positives, by_rule[OPEN].false_positives) == (3, 1)
    assert (by_rule[DELETE].true_positives, by_rule[DELETE].false_positives) == (0, 1)
    assert report.signals["pattern"].true_positives == 2
    assert report.signals["drift"].true_positives == 0


def test_prevented_means_no_later_than_the_event_by_which_the_secret_left(report: Report) -> None:
    found = timeliness(report.outcomes)
    assert (found.prevented.count, found.prevented.of) == (1, 3)  # leak2 sent before, slow1 was missed
    assert found.events is not None and found.milliseconds is not None
    assert (found.events.median, found.events.longest) == (1.5, 2)
    assert found.milliseconds.median == 1500


def test_blocking_tells_which_benign_call_it_would_have_stopped(report: Report) -> None:
    found = blocking(report.outcomes)
    assert [(stop.recording, stop.call, stop.number, stop.rules) for stop in found.stopped] == [
        ("twin1", "c1", 1, ("Anything deletes",))
    ]
    assert found.benign.count == 1


def test_recall_by_family_and_mutator(report: Report) -> None:
    assert {name: (one.count, one.of) for name, one in recall_by(report.outcomes, "family").items()} == {
        "leak": (2, 2),
        "slow": (0, 1),
    }
    assert list(recall_by(report.outcomes, "mutator")) == ["none", "renamed-binary"]
    assert (summarise(report).twins.count, summarise(report).twins.of) == (1, 1)


def test_dummies_are_judged_beside(report: Report) -> None:
    found = dummies(report.outcomes)
    assert (found["always"].recall, found["always"].false_positives) == (1.0, 2)
    assert found["never"].recall == 0.0
    assert found["by event count"].f1 == pytest.approx(6 / 7)  # four events and more: all three, and the twin


def test_a_rule_that_nothing_benign_came_near_is_unproven(report: Report) -> None:
    proven = {rule.rule_id: (rule.near_misses, rule.proven) for rule in report.rules}
    assert proven[SEND] == (0, False)
    assert proven[OPEN] == (2, True)  # cat opened a text file in both
    assert "unproven" in next(card.why for card in scorecard(report) if card.rule_id == SEND)


def test_the_nearest_misses_tell_what_stopped_them(small: bytes, directories: list[Path]) -> None:
    misses = nearest_misses(small, OPEN, directories)
    assert misses[0].distance == 1
    assert any(".pem" in test for test in misses[0].failed)


def test_the_scorecard_retires_what_only_alarms_falsely(report: Report) -> None:
    cards = {card.rule_id: card for card in scorecard(report)}
    assert cards[DELETE].advice == "retire"
    assert cards[OPEN].advice == "keep" and "only audits" in cards[OPEN].why


def test_overlap_and_what_only_one_rule_catches(report: Report) -> None:
    (pair,) = overlaps(report, least=0.5)
    assert {pair.first, pair.second} == {SEND, OPEN} and pair.jaccard == 0.5
    assert only_by(report) == {SEND: 0, OPEN: 1, DELETE: 0}


def test_the_tables_show_what_each_rule_costs_and_which_say_the_same(report: Report) -> None:
    shown = {section.title: section for section in sections(report, summarise(report))}
    by_rule = {row[0].partition("\n")[0]: row for row in shown["Rules that fired"].rows}
    assert by_rule["Anything deletes"][2:4] == ("0/3", "1/2")
    assert by_rule["Anything deletes"][-2] == "500 (≤ 975)"
    assert shown["Rules that call the same sessions"].rows[0][2] == "2 of 4"
    silent = sum(not rule.metrics.true_positives + rule.metrics.false_positives for rule in report.rules)
    assert f"no session here calls for them: {silent}." in shown["Scorecard"].note


def test_of_very_many_sessions_only_the_misjudged_are_shown(report: Report) -> None:
    many = replace(report, outcomes=report.outcomes * 50)
    shown = next(section for section in sections(many, summarise(many)) if section.title == "Sessions")
    assert len(shown.rows) == len(shown.wrong) == 100
    assert shown.note.startswith("150 more")


def test_intervals_cost_the_same_however_many_sessions_there_are() -> None:
    sessions = [Judged(True, True), Judged(True, False), Judged(False, True), Judged(False, False)] * 250_000
    tracemalloc.start()
    found = measure(sessions)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2_000_000
    assert found.recall_interval == pytest.approx((0.5, 0.5), abs=0.002)


def test_curve_and_heat_map(report: Report) -> None:
    curve = precision_recall(report.outcomes)
    assert curve is not None and curve.points[0].recall == 1.0
    found = heat_map(report)
    assert found.scenarios == ("leak", "slow", "twin", "work")
    assert found.shares[found.rules.index("Key is sent out")].tolist() == [1.0, 0.0, 0.0, 0.0]


def test_a_report_survives_json(report: Report, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_bytes(to_json(report))
    assert read_report(tmp_path / "r.json") == report


def test_no_text_becomes_markup(small: bytes, record: Record) -> None:
    evil = "<script>alert(1)</script>\x1b]0;x"
    hostile = record("evil1", [("", call("c")), ("", deleted("/x"))], scenario=evil, family=evil)
    report = backtest(small, [hostile, record("leak1", [("send", network("connect", HOST))])])
    page = to_html(report).decode()
    assert "<script" not in page and "&lt;script&gt;" in page and "\x1b" not in page
    assert "http" not in page.replace("http-equiv", "")  # nothing is fetched
    assert to_tables(report)


@pytest.mark.parametrize("width", [60, 80, 100, 170])
def test_a_narrow_terminal_shows_fewer_columns_whole(report: Report, width: int) -> None:
    console = Console(width=width, file=io.StringIO(), record=True)
    console.print(to_tables(report))
    drawn = console.export_text()
    assert "…" not in drawn
    assert "Key is sent out" in drawn
    assert "fused verdict" in drawn
    assert ("No room for:" in drawn) == (width < 170)
