"""One Typer app, built from the verbs that each package offers."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module, metadata
from importlib.metadata import entry_points
from typing import Annotated

import typer

from workbench.cli import MISUSE
from workbench.cli.panels import arrange

PACKAGES = (
    "workbench.dataset.commands",
    "workbench.rule.commands",
    "workbench.pack.commands",
    "workbench.baseline.commands",
    "workbench.evaluate.commands",
    "workbench.evaluate.score_commands",
    "workbench.evaluate.calibration_commands",
    "workbench.evaluate.tuning_commands",
    "workbench.evaluate.numbers_commands",
    "workbench.evaluate.evidence_commands",
    "workbench.evaluate.proof_commands",
    "workbench.evaluate.witness_commands",
    "workbench.evaluate.fleet_commands",
    "workbench.sensor.commands",
    "workbench.nb.commands",
    "workbench.cli.commands",
)


def build() -> typer.Typer:
    """Assemble the app from `register(app)` of every package and `workbench.commands` entry point."""
    app = typer.Typer(
        name="workbench",
        help="Study what coding agents really do on a host, and ship rules that sensors run.",
        no_args_is_help=True,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
    )
    app.callback(invoke_without_command=True)(_version)
    for package in PACKAGES:
        import_module(package).register(app)
    for entry in sorted(entry_points(group="workbench.commands"), key=lambda entry: entry.name):
        entry.load()(app)
    arrange(app)
    return app


@cache
def command() -> Callable[..., object]:
    """Give the app as a function of arguments, built once."""
    return typer.main.get_command(build())


def _version(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="show the version and end")] = False,
) -> None:
    if version:
        typer.echo(f"workbench {metadata.version('agent-detection-workbench')}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(MISUSE)
