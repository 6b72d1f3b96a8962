"""A backtest's report as tables, the verdict first."""

from __future__ import annotations

from rich.console import RenderableType

from workbench.evaluate.backtest import Report
from workbench.evaluate.report import to_tables
from workbench.evaluate.report.sections import sections
from workbench.evaluate.summary import summarise
from workbench.nb.view.page import lines, page, table
from workbench.nb.view.text import as_text
from workbench.printable import printable


class ReportTables:
    """Every section of a report; rows that tell of a mistake are marked."""

    def __init__(self, report: Report) -> None:
        self.report = report

    def __rich__(self) -> RenderableType:
        """Give rich tables, the verdict last, where a terminal's reader looks first."""
        return to_tables(self.report)

    def __repr__(self) -> str:
        """Draw the tables as text."""
        return as_text(self)

    def _repr_html_(self) -> str:
        parts: list[str] = []
        for section in reversed([*sections(self.report, summarise(self.report))]):
            rows = [[printable(cell) for cell in row] for row in section.rows]
            heads = section.columns if rows else ()
            parts.append(table(section.title, heads, rows, section.wrong))
            if section.note:
                parts.append(f'<div class="dim">{lines(printable(section.note))}</div>')
        return page("".join(parts), "report")
