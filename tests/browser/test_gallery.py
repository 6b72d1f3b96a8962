"""Every view in JupyterLab, light and dark: pictures in `build/lab` for people to look at."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.gallery, pytest.mark.timeout(1800)]
SETUP = """
import pandas as pd
import workbench as wb
from workbench.evaluate.latency import measure, repeat_sessions
from workbench.evaluate.summary import summarise
from workbench.nb.view.drift_chart import DriftChart
from workbench.nb.view.heat_map import HeatMap
from workbench.nb.view.latency_chart import LatencyChart
from workbench.nb.view.precision_recall import PrecisionRecallChart
from workbench.nb.view.provenance_graph import ProvenanceGraph
from workbench.nb.view.reliability import ReliabilityChart
from workbench.nb.view.timeline import Timeline
from workbench.rule import load

data = wb.open_dataset("../datasets/quickstart")
runs = list(data.recordings())
attack = next(run for run in runs if run.malicious)
twin = next(run for run in runs if run.session.settings["scenario"].endswith("-benign"))
scorer = wb.open_scorer("../rules")
findings = wb.score(scorer, attack)
report = wb.backtest("../rules", data)
summary = summarise(report)
curve = [(point.recall, point.precision, point.threshold) for point in summary.curve.points]
latency = measure(wb.open_scorer("../rules"), repeat_sessions([list(attack.events())], 3_000))
many = [{**one, "@timestamp": one["@timestamp"] + n * 10**9} for one in attack.events() for n in range(70)]
"""
VIEWS = {
    "process-tree": "wb.show(attack, findings)",
    "timeline": "Timeline(attack.events(), findings)",
    "timeline-of-many": "Timeline(many, findings)",
    "provenance-graph": "ProvenanceGraph.of(max(findings, key=lambda one: one.risk), attack.events())",
    "provenance-graph-of-all": "ProvenanceGraph(findings)",
    "drift": "DriftChart([0.2, 0.4, 0.3, 0.1] * 20 + [3.1, 2.8, 3.6] * 10, 'drift.destination', limit=2.8)",
    "precision-recall": "PrecisionRecallChart(*zip(*curve), share=3 / 12)",
    "reliability": "ReliabilityChart(summary.reliability, 'Fused score')",
    "coverage": "wb.show(load(['../rules']))",
    "heat-map": "HeatMap.of(report)",
    "latency": "LatencyChart(latency, 1_000)",
    "twin": "wb.show((attack, twin))",
    "findings": "wb.show(findings)",
    "report": "wb.show(report)",
    "table": "wb.show(pd.DataFrame([(n, '<b>row</b>') for n in range(1_500)], columns=['n', 'text']))",
    "rule-editor": "wb.edit_rule('title: curl runs\\n'\n    'logsource: {category: process_creation}\\n'\n"
    "    'detection: {s: {Image|endswith: /curl}, condition: s}')",
    "labeller": "wb.label(attack)",
    "session-browser": "wb.browse(data, wb.open_scorer('../rules'))",
}


@pytest.fixture(scope="module")
def gallery(lab: Any) -> Any:
    """Give JupyterLab with a cell for each view, all run."""
    cells = [nbformat.v4.new_code_cell(source) for source in (SETUP, *VIEWS.values())]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(
        nbformat.v4.new_notebook(cells=cells, metadata=kernel), lab.checkout / "notebooks" / "gallery.ipynb"
    )
    lab.page.set_viewport_size({"width": 1440, "height": 1000})
    lab.run_all("gallery")
    return lab


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_each_view_is_drawn(theme: str, gallery: Any) -> None:
    gallery.set_theme(f"JupyterLab {theme}")
    expect(gallery.page.locator("body")).to_have_attribute(
        "data-jp-theme-light", str(theme == "Light").lower()
    )
    cells = gallery.page.locator(".jp-Notebook .jp-CodeCell")
    for number, name in enumerate(VIEWS, start=1):  # after the cell that prepares them
        shown = cells.nth(number).locator(".jp-Cell-outputArea")
        shown.scroll_into_view_if_needed()
        box = shown.bounding_box()
        assert box is not None
        assert box["height"] > 40, f"{name} shows nothing"
        gallery.picture(f"{name}-{theme.lower()}", shown)


@pytest.mark.parametrize("name", ["40_exfiltration_sequences"])
def test_a_long_notebook_runs_from_top_to_bottom(name: str, lab: Any) -> None:
    lab.run_all(name)
