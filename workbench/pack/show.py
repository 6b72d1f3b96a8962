"""A pack for people."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from workbench.printable import printable
from workbench.scorer.payload import Payload


def rules_table(payload: Payload) -> Table:
    """Give a pack's rules as a table; what it holds besides stands below."""
    registries = ", ".join(sorted(payload.registries)) or "none"
    table = Table(
        "rule",
        "kind",
        "level",
        "risk",
        "response",
        title=escape(printable(f"{payload.name} {payload.version}")),
        caption=escape(f"{len(payload.baselines)} baselines; registries: {printable(registries)}"),
    )
    for rule in payload.plan.rules:
        kind = (
            rule.correlation.type
            if rule.correlation
            else f"label {rule.label}"
            if rule.label
            else "detection"
        )
        name = rule.title if not rule.silent else f"({rule.title})"
        table.add_row(
            escape(printable(name)), escape(printable(kind)), rule.level, str(rule.risk), rule.response
        )
    return table
