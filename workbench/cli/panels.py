"""How `workbench --help` groups the verbs: by what someone is about to do."""

from __future__ import annotations

import typer

PANELS = {
    "Start here": ("demo", "doctor", "lab"),
    "Capture": ("record", "import", "hook", "scenario", "dataset"),
    "Write rules": ("lint", "witness", "explain", "tune", "convert", "coverage"),
    "Learn and judge": (
        *("baseline", "backtest", "compare", "prove", "numbers", "calibrate"),
        *("gate", "fleet", "notebook"),
    ),
    "Ship and watch": ("pack", "score", "sensor", "audit"),
}
"""Verbs that another package adds stand in a group of their own."""


def arrange(app: typer.Typer) -> None:
    """Put every command and group of commands into its panel, in the table's order."""
    order = {verb: (place, panel) for place, (verb, panel) in enumerate(_verbs())}
    for kind in (app.registered_commands, app.registered_groups):
        for each in kind:
            _, each.rich_help_panel = order.get(str(each.name), (0, "More"))
        kind.sort(key=lambda each: order.get(str(each.name), (len(order), ""))[0])


def _verbs() -> list[tuple[str, str]]:
    return [(verb, panel) for panel, verbs in PANELS.items() for verb in verbs]
