"""A backtest's report as JSON, as JUnit XML and as tables."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import msgspec
from rich.console import Group
from rich.table import Table
from rich.text import Text

from workbench.evaluate.backtest import Report, RuleResult
from workbench.evaluate.metrics import ALERTING, Metrics
from workbench.printable import printable


def to_json(report: Report) -> bytes:
    """Give the whole report as JSON, keys sorted."""
    return msgspec.json.format(msgspec.json.encode(report, order="sorted"), indent=1) + b"\n"


def to_junit(report: Report) -> bytes:
    """Give one test case a session: it fails when an attack was missed or benign work alerted on."""
    suite = ET.Element("testsuite", name="backtest", tests=str(len(report.outcomes)))
    failures = 0
    for outcome in report.outcomes:
        case = ET.SubElement(
            suite,
            "testcase",
            classname=outcome.agent,
            name=outcome.recording,
            time=f"{(outcome.ended - outcome.started) / 1e9:.3f}",
        )
        called = outcome.decision in ALERTING
        if called != outcome.malicious:
            failures += 1
            what = "missed" if outcome.malicious else f"{outcome.decision} on benign work"
            rules = ", ".join(sorted({hit.title for hit in outcome.hits})) or "none"
            ET.SubElement(case, "failure", message=what).text = f"score {outcome.score}; rules: {rules}"
    suite.set("failures", str(failures))
    ET.indent(suite)
    text: bytes = ET.tostring(suite, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _rate(value: float | None, interval: tuple[float, float] | None = None) -> str:
    if value is None:
        return "–"
    return f"{value:.2f}" + (f" [{interval[0]:.2f}, {interval[1]:.2f}]" if interval else "")


def _cells(metrics: Metrics) -> tuple[str, ...]:
    upper = metrics.false_positives_per_1000_upper
    return (
        f"{metrics.true_positives}/{metrics.malicious}",
        f"{metrics.false_positives}/{metrics.benign}",
        _rate(metrics.precision, metrics.precision_interval),
        _rate(metrics.recall, metrics.recall_interval),
        "–" if upper is None else f"{metrics.false_positives_per_1000:.0f} (≤ {upper:.0f})",
    )


def _text(text: str, style: str = "") -> Text:
    """Give a stranger's text as text: neither markup nor an order to the terminal."""
    return Text(printable(text), style)


def _steps(rule: RuleResult) -> str:
    return "; ".join(f"{name}: {', '.join(steps)}" for name, steps in sorted(rule.scenarios.items()))


def to_tables(report: Report) -> Group:
    """Draw what each rule caught and cost, and the fused verdict of each session."""
    fired = [r for r in report.rules if r.metrics.true_positives or r.metrics.false_positives]
    rules = Table("rule", "signal", "caught", "false alarms", title="Rules that fired", title_justify="left")
    for rule in fired:
        rules.add_row(
            _text(f"{rule.title}\n  {_steps(rule)}".rstrip()), rule.signal, *_cells(rule.metrics)[:2]
        )
    verdict = Table(
        "caught",
        "false alarms",
        "precision",
        "recall",
        "false alarms per 1,000 benign",
        title="Fused verdict",
        title_justify="left",
    )
    verdict.add_row(*_cells(report.verdict))
    sessions = Table(
        "recording", "truth", "verdict", "score", "findings", title="Sessions", title_justify="left"
    )
    for outcome in report.outcomes:
        truth = Text("malicious", "red") if outcome.malicious else Text("benign", "green")
        wrong = (outcome.decision in ALERTING) != outcome.malicious
        sessions.add_row(
            _text(outcome.recording),
            truth,
            _text(outcome.decision, "bold red" if wrong else ""),
            f"{outcome.score:.0f}",
            str(len(outcome.hits)),
        )
    note = Text(
        f"{len(report.rules) - len(fired)} more rules found nothing here. Intervals are 95 % by session; "
        "the rate's upper bound is one-sided 95 % exact.",
        "dim",
    )
    return Group(sessions, rules, verdict, note)
