"""Which view shows what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from workbench.dataset.recording import Recording
from workbench.evaluate.backtest import Report
from workbench.evaluate.latency import Latency
from workbench.nb.view.coverage_matrix import CoverageMatrix
from workbench.nb.view.data_table import DataTable
from workbench.nb.view.finding_table import FindingTable
from workbench.nb.view.latency_chart import LatencyChart
from workbench.nb.view.process_tree import ProcessTree
from workbench.nb.view.report_tables import ReportTables
from workbench.nb.view.side_by_side import SideBySide
from workbench.rule.ruleset import RuleSet
from workbench.scorer import Finding

_VIEWS: dict[type, Callable[[Any], Any]] = {
    Report: ReportTables,
    pd.DataFrame: DataTable,
    RuleSet: CoverageMatrix,
    Latency: LatencyChart,
}


def view_of(thing: Any, findings: Sequence[Finding] = ()) -> Any:
    """Give the view of `thing`, or `thing` itself when none is made for it."""
    match thing:
        case Recording():
            return ProcessTree(thing.events(), findings)
        case (Recording() as left, Recording() as right):
            return SideBySide(left.events(), right.events(), (left.path.name, right.path.name))
        case [Finding(), *_]:
            return FindingTable(thing)
    return next((view(thing) for kind, view in _VIEWS.items() if isinstance(thing, kind)), thing)
