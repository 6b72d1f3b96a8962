"""Findings as a table that renders in a notebook, in a static page and as text."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from workbench.event import format_timestamp
from workbench.nb.view.page import page, table
from workbench.nb.view.text import as_text
from workbench.printable import counted, printable
from workbench.scorer import Finding

SHOWN = 1_000
_HEADS = ("time", "signal", "risk", "finding")


class FindingTable:
    """A list of findings, oldest first; shows at most `SHOWN` and says so."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = sorted(findings, key=lambda finding: finding.timestamp)

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                format_timestamp(finding.timestamp)[11:23],
                f"{finding.signal}\n{finding.response}",
                str(finding.risk),
                printable("\n".join([finding.rule_title, *_details(finding)])),
            )
            for finding in self.findings[:SHOWN]
        ]

    def __rich__(self) -> Table:
        """Give a rich table; nothing in a finding is read as markup."""
        table = Table(*_HEADS, title=self._title(), title_justify="left", show_lines=True)
        for row in self._rows():
            table.add_row(*map(Text, row))
        return table

    def __repr__(self) -> str:
        """Draw the table as text."""
        return as_text(self)

    def _repr_html_(self) -> str:
        return page(table(self._title(), _HEADS, self._rows()), "findings")

    def _title(self) -> str:
        more = f", the first {SHOWN} shown" if len(self.findings) > SHOWN else ""
        return f"{counted(len(self.findings), 'finding')}{more}"


def _details(finding: Finding) -> list[str]:
    """Give the path of the data where there is one, else why it fired; then the tool call."""
    why = [f"  {hop}" for hop in finding.provenance_path] or [f"  {finding.reason}"]
    return [*why, f"  tool call {finding.tool_call_id}"] if finding.tool_call_id else why
