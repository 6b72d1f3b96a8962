"""A report as tables for a terminal or a notebook."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from workbench.evaluate.backtest import Report
from workbench.evaluate.report.sections import Section, sections
from workbench.evaluate.summary import summarise
from workbench.printable import printable

_NAME, _CELL = 24, 12
"""Columns of text that the first column and any other one keep, if they have as much to tell."""


def to_tables(report: Report) -> Group:
    """Draw a report, a table each section."""
    parts: list[RenderableType] = []
    for section in sections(report, summarise(report)):
        if section.rows:
            parts.append(_Fitting(section))
        if section.note:
            parts.append(Text(section.note if section.rows else f"{section.title}: {section.note}", "dim"))
    return Group(*parts)


@dataclass(frozen=True)
class _Fitting:
    """A section whose last columns give way where there is no room, so that the others can be read."""

    section: Section

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        columns = self.section.columns
        for shown in range(len(columns), 0, -1):
            table = _table(self.section, shown)
            lines = Segment.split_lines(console.render(table, options))
            if max(map(Segment.get_line_length, lines)) <= options.max_width:
                break
        yield table
        if shown < len(columns):
            yield Text(f"No room for: {', '.join(columns[shown:])}.", "dim")


def _table(section: Section, shown: int) -> Table:
    """Draw a section's first columns; rows that tell of a mistake are red."""
    table = Table(title=section.title, title_justify="left", show_header=any(section.columns))
    for number, name in enumerate(section.columns[:shown]):
        longest = max(len(line) for row in section.rows for line in row[number].split("\n"))
        table.add_column(name, min_width=min(longest, _CELL if number else _NAME))
    for number, row in enumerate(section.rows):
        table.add_row(*map(_text, row[:shown]), style="bold red" if number in section.wrong else None)
    return table


def _text(text: str) -> Text:
    """Give a stranger's text as text: neither markup nor an order to the terminal."""
    return Text(printable(text))
