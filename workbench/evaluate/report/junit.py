"""A report as JUnit XML, for what shows test results."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from workbench.evaluate.backtest import Report
from workbench.printable import printable


def to_junit(report: Report) -> bytes:
    """Give one test case a session: it fails when an attack was missed or benign work was alerted on."""
    suite = ET.Element("testsuite", name="backtest", tests=str(len(report.outcomes)))
    failures = 0
    for outcome in report.outcomes:
        case = ET.SubElement(
            suite,
            "testcase",
            classname=printable(outcome.agent),
            name=printable(outcome.recording),
            time=f"{(outcome.ended - outcome.started) / 1e9:.3f}",
        )
        if outcome.called != outcome.malicious:
            failures += 1
            what = "missed" if outcome.malicious else f"{outcome.decision} on benign work"
            rules = printable(", ".join(sorted({hit.title for hit in outcome.hits})) or "none")
            ET.SubElement(case, "failure", message=what).text = f"score {outcome.score}; rules: {rules}"
    suite.set("failures", str(failures))
    ET.indent(suite)
    text: bytes = ET.tostring(suite, encoding="utf-8", xml_declaration=True)
    return text + b"\n"
