"""Views escape what the recording says, keep a plain form, and say when they leave something out."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from workbench.evaluate.backtest import add_up
from workbench.evaluate.latency import Latency
from workbench.evaluate.outcome import Moment, Outcome
from workbench.evaluate.reliability import Bin
from workbench.event import Value
from workbench.nb.view import data_table, finding_table, heat_map, process_tree, side_by_side, timeline
from workbench.nb.view.coverage_matrix import CoverageMatrix
from workbench.nb.view.data_table import DataTable
from workbench.nb.view.drift_chart import DriftChart
from workbench.nb.view.figure import Figure
from workbench.nb.view.finding_table import FindingTable
from workbench.nb.view.heat_map import HeatMap
from workbench.nb.view.latency_chart import LatencyChart
from workbench.nb.view.precision_recall import PrecisionRecallChart
from workbench.nb.view.process_tree import ProcessTree
from workbench.nb.view.provenance_graph import ProvenanceGraph
from workbench.nb.view.reliability import ReliabilityChart
from workbench.nb.view.report_tables import ReportTables
from workbench.nb.view.side_by_side import SideBySide
from workbench.nb.view.timeline import Timeline
from workbench.pack import build_payload
from workbench.rule import load
from workbench.rule.ruleset import RuleSet
from workbench.scorer import Finding, Scorer

HOSTILE = "<script>alert(1)</script>[red]\x1b[2J\"'&"


def event(number: int, parent: int, command: str, action: str = "exec") -> dict[str, Value]:
    return {
        "@timestamp": number,
        "event.id": str(number),
        "event.category": "agent" if action == "tool_call" else "process",
        "event.action": action,
        "process.entity_id": f"e{number}",
        "process.parent.entity_id": f"e{parent}",
        "process.name": command,
        "process.command_line": command,
        "gen_ai.tool.call.id": command,
        "gen_ai.tool.call.arguments": command,
    }


def finding(number: int) -> Finding:
    return Finding(
        rule_id="r",
        rule_title=HOSTILE,
        level="high",
        signal="pattern",
        risk=80,
        response="alert",
        timestamp=number,
        event_id=str(number),
        entity_id=f"e{number}",
        reason=HOSTILE,
        provenance_path=[
            f"file/read /key → {HOSTILE} (0.95)",
            f"file/write {HOSTILE} → /tmp/x (0.80)",
            "no hop",
        ],
    )


def missed(rules: RuleSet) -> ReportTables:
    """Show a backtest of one attack, which no rule caught."""
    outcome = Outcome(
        **dict.fromkeys(("recording", "session", "agent", "source", "scenario", "family"), HOSTILE),
        **dict.fromkeys(("steps", "techniques", "hits", "calls", "alone", "near"), ()),
        twin_of="",
        mutator=HOSTILE,
        started=0,
        ended=10**9,
        events=3,
        score=5.0,
        decision="audit",
        risks={},
        began=Moment(1, 1),
    )
    return ReportTables(add_up([outcome], Scorer.from_payload(build_payload(rules, "p", "1")).plan))


TREE = [
    event(1, 0, "agent"),
    event(2, 1, f"cat {HOSTILE}"),
    event(3, 2, "curl"),
    event(4, 1, HOSTILE, "tool_call"),
]
RULE = f"""
title: {json.dumps(HOSTILE)}
logsource: {{category: process_creation}}
tags: [attack.exfiltration, attack.t1041, atlas.aml.t0086]
detection: {{s: {{Image: x}}, condition: s}}
"""


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    file = tmp_path_factory.mktemp("rules") / "r.yml"
    file.write_text(RULE)
    return {
        "tree": ProcessTree(TREE, [finding(2)]),
        "findings": FindingTable([finding(2)]),
        "graph": ProvenanceGraph([finding(2)], sink=HOSTILE),
        "timeline": Timeline(TREE, [finding(2)]),
        "drift": DriftChart([0.1] * 5, HOSTILE, limit=1.0, notes=[HOSTILE] * 5),
        "curve": PrecisionRecallChart([1, 0.5], [0.5, 1], [0, 50], 0.5),
        "reliability": ReliabilityChart([Bin(0.5, 0.4, 3)], HOSTILE),
        "heat": HeatMap({HOSTILE: {HOSTILE: 1.0, "benign": None}}, [HOSTILE]),
        "coverage": CoverageMatrix(load([file])),
        "report": missed(load([file])),
        "latency": LatencyChart(Latency(np.array([1_000, 2_000]), np.array([1_000, 2_000]), 0)),
        "twin": SideBySide(TREE, TREE[:2], (HOSTILE, "twin")),
        "table": DataTable(pd.DataFrame({HOSTILE: [HOSTILE] * 12}), HOSTILE),
    }


NAMES = [
    *("tree", "findings", "graph", "timeline", "drift", "curve", "reliability", "heat", "coverage"),
    *("latency", "twin", "table", "report"),
]


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_name_stays_text_in_every_form(name: str, views: dict[str, Any]) -> None:
    view = views[name]
    assert "\x1b" not in repr(view)
    assert "<script" not in view._repr_html_()
    assert "\x1b" not in view._repr_html_()
    if not isinstance(view, Figure):
        return
    bundle = view._repr_mimebundle_()
    ET.fromstring(bundle["image/svg+xml"].replace("\x1b", ""))  # well-formed
    assert "<script" not in bundle["image/svg+xml"]
    assert "<script" not in json.dumps(bundle["application/vnd.plotly.v1+json"], default=str)
    encoded = bundle["text/html"].partition("base64,")[2].partition('"')[0]
    assert b64decode(encoded).decode() == bundle["image/svg+xml"]


@pytest.mark.parametrize("name", NAMES)
def test_a_view_loads_nothing_and_runs_nothing(name: str, views: dict[str, Any]) -> None:
    html = views[name]._repr_html_()
    assert "http" not in html.replace("http://www.w3.org", "")
    assert "onerror" not in html
    assert "<script" not in html


def test_the_tree_nests_children_below_their_parents() -> None:
    lines = repr(ProcessTree(TREE[:3])).splitlines()
    assert [len(line) - len(line.lstrip()) for line in lines] == [0, 2, 4]
    html = ProcessTree(TREE)._repr_html_()
    assert html.count("<details") == html.count("</details>") == 2


def test_a_large_tree_is_folded_where_nothing_was_found() -> None:
    deep = [event(n, n - 1, "sh") for n in range(1, 300)]
    assert ProcessTree(deep)._repr_html_().count("<details open") == 2
    assert ProcessTree(deep, [finding(40)])._repr_html_().count("<details open") == 40


def test_a_very_deep_tree_is_drawn() -> None:
    deep = [event(n, n - 1, "sh") for n in range(1, 3_000)]
    assert repr(ProcessTree(deep)).startswith("sh")
    html = ProcessTree(deep)._repr_html_()
    assert html.count("<details") == html.count("</details>")


def test_what_is_left_out_is_said() -> None:
    wide = [event(1, 0, "agent"), *(event(n, 1, "ls") for n in range(2, process_tree.SHOWN + 5))]
    for form in (repr(ProcessTree(wide)), ProcessTree(wide)._repr_html_()):
        assert "4 more processes are not shown" in form
    many = [finding(n) for n in range(finding_table.SHOWN + 1)]
    assert "the first 1000 shown" in FindingTable(many)._repr_html_()
    rows = {str(n): {"a": 0.5} for n in range(heat_map.SHOWN + 1)}
    assert "the first 60 of 61 rules shown" in repr(HeatMap(rows, ["a"]))
    assert f"the first {data_table.SHOWN}" in DataTable(pd.DataFrame({"a": range(5_000)}))._caption(
        data_table.SHOWN
    )
    calls = [event(n, 1, str(n), "tool_call") for n in range(side_by_side.SHOWN + 2)]
    assert "the first 200 shown" in repr(SideBySide(calls, []))


def test_the_weakest_hop_is_marked_and_the_way_ends_where_the_data_left() -> None:
    lines = repr(ProvenanceGraph(finding(2), sink="paste.example")).splitlines()
    assert lines[2].startswith("2. file/write · 0.80: ")
    assert lines[2].endswith("→ /tmp/x  ← weakest")
    assert lines[3] == "3. leaves: /tmp/x → paste.example"
    assert ProvenanceGraph(finding(2)).svg().count("weakest") == 1


def test_the_host_that_the_finding_reached_is_the_sink_and_is_drawn_once() -> None:
    way = ["file/read /key → curl(5) (0.95)", "network/connect paste.example → curl(5) (0.90)"]
    one = Finding(
        **{"rule_id": "r", "rule_title": "t", "level": "high", "signal": "pattern", "risk": 1},
        **{"response": "audit", "timestamp": 1, "event_id": "7", "provenance_path": way},
    )
    graph = ProvenanceGraph.of(one, [{"event.id": "7", "destination.domain": "paste.example"}])
    assert [(hop.source, hop.target) for hop in graph.hops] == [
        ("/key", "curl(5)"),
        ("curl(5)", "paste.example"),
    ]
    assert ProvenanceGraph.of(one, []).hops[-1].target == "⚠ t"


def test_a_circle_of_hops_is_drawn() -> None:
    round_and_round = [f"file/write f{n} → f{(n + 1) % 3} (0.9)" for n in range(3)]
    one = Finding(
        **{"rule_id": "r", "rule_title": "t", "level": "high", "signal": "pattern", "risk": 1},
        **{"response": "audit", "timestamp": 1, "event_id": "1", "provenance_path": round_and_round},
    )
    assert ProvenanceGraph(one).svg().count("<rect") == 3


def test_a_hundred_thousand_events_are_sampled_and_rare_kinds_stay() -> None:
    many = [event(n, 1, "sh") for n in range(100_000)] + [event(7, 1, "x", "tool_call")]
    view = Timeline(many, [finding(5)])
    assert len(view.shown) <= timeline.SHOWN
    assert f"100001 events in 2 kinds, {len(view.shown)} drawn" in repr(view)
    assert any(kind == "agent tool_call" for _, kind, _ in view.shown)


def test_a_report_begins_with_the_verdict_and_marks_what_was_misjudged(views: dict[str, Any]) -> None:
    shown = views["report"]._repr_html_()
    assert shown.index("fused verdict") < shown.index("Sessions")
    assert shown.count('<tr class="wrong">') >= 1


def test_nothing_is_drawn_of_nothing() -> None:
    assert repr(Timeline([])) == "0 events in 0 kinds, 0 findings"
    for view in (Timeline([]), DriftChart([], "x"), HeatMap({}, []), ReliabilityChart([])):
        assert view.svg().startswith("<svg")


def test_a_change_of_course_is_marked() -> None:
    view = DriftChart([0.1] * 30 + [3.0] * 30, "drift.destination")
    assert repr(view) == "drift.destination: 60 values, 1 change: at 33"


def test_the_navigator_layer_leaves_atlas_out(views: dict[str, Any], tmp_path: Path) -> None:
    layer = json.loads(views["coverage"].navigator(tmp_path / "layer.json").read_text())
    assert [technique["techniqueID"] for technique in layer["techniques"]] == ["T1041"]
    assert list(views["coverage"].tactics) == ["exfiltration", "ATLAS"]
