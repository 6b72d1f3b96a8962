"""A finding in words, for people."""

from __future__ import annotations

from workbench.event import format_timestamp
from workbench.printable import printable_line
from workbench.scorer.finding import Finding


def words(finding: Finding) -> str:
    """Tell a finding in lines: when, how heavy, what, on which event; then the way of the data, else why.

    >>> print(words(Finding(rule_id="r", rule_title="A key is sent", level="high", signal="pattern", risk=85,
    ...     response="alert", timestamp=1_767_225_600_000_000_000, event_id="k7", reason="read + send")))
    2026-01-01T00:00:00Z  alert  risk  85  A key is sent (k7)
      read + send
    """
    when = format_timestamp(finding.timestamp // 1_000_000 * 1_000_000)
    what = f"{finding.response:5}  risk {finding.risk:3}  {finding.rule_title} ({finding.event_id})"
    lines = [f"{when}  {what}", *(finding.provenance_path or (finding.reason,))]
    return "\n  ".join(map(printable_line, lines))
