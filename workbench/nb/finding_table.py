"""Findings as a table that renders in a notebook, in a static page and as text."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from rich.table import Table
from rich.text import Text

from workbench.event import format_timestamp
from workbench.nb.rich_view import RichView
from workbench.scorer import Finding

SHOWN = 1_000
_HEADS = ("time", "rule", "signal", "risk", "response", "tool call", "why")


class FindingTable:
    """A list of findings, oldest first; shows at most `SHOWN` and says so."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = sorted(findings, key=lambda finding: finding.timestamp)

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                format_timestamp(finding.timestamp)[11:23],
                finding.rule_title,
                finding.signal,
                str(finding.risk),
                finding.response,
                finding.tool_call_id or "–",
                "; ".join([finding.reason, *finding.provenance_path]).strip("; "),
            )
            for finding in self.findings[:SHOWN]
        ]

    def __rich__(self) -> Table:
        """Give a rich table; nothing in a finding is read as markup."""
        table = Table(*_HEADS, title=self._title())
        for row in self._rows():
            table.add_row(*map(Text, row))
        return table

    def __repr__(self) -> str:
        """Draw the table as text."""
        return repr(RichView(self))

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in _HEADS)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in self._rows()
        )
        return f"<table><caption>{self._title()}</caption><tr>{head}</tr>{body}</table>"

    def _title(self) -> str:
        more = f", the first {SHOWN} shown" if len(self.findings) > SHOWN else ""
        return f"{len(self.findings)} findings{more}"
