"""A report as tables for a terminal or a notebook."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from workbench.evaluate.backtest import Report
from workbench.evaluate.report.sections import Section, sections
from workbench.evaluate.summary import summarise
from workbench.printable import printable


def to_tables(report: Report) -> Group:
    """Draw a report, a table each section."""
    parts: list[RenderableType] = []
    for section in sections(report, summarise(report)):
        if section.rows:
            parts.append(to_table(section))
        if section.note:
            parts.append(Text(section.note if section.rows else f"{section.title}: {section.note}", "dim"))
    return Group(*parts)


def to_table(section: Section) -> Table:
    """Draw one section; rows that tell of a mistake are red."""
    table = Table(
        *section.columns, title=section.title, title_justify="left", show_header=any(section.columns)
    )
    for number, row in enumerate(section.rows):
        table.add_row(*map(_text, row), style="bold red" if number in section.wrong else None)
    return table


def _text(text: str) -> Text:
    """Give a stranger's text as text: neither markup nor an order to the terminal."""
    return Text(printable(text))
