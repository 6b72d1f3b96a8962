"""The command line: one Typer app, built from the verbs that each package offers."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module, metadata
from importlib.metadata import entry_points
from typing import Annotated

import typer

from workbench.cli.panels import arrange
from workbench.errors import WorkbenchError
from workbench.printable import printable

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

OK, FOUND, MISUSE, INTERRUPTED = 0, 1, 2, 130
_STOPPED = "workbench: interrupted; nothing half-written was left"


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
def _command() -> Callable[..., object]:
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


def main() -> None:
    """Run the command line: exit 0, 1 for a finding or failed gate, 2 for misuse or bad input."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and give its exit status; faults of the input end as text on standard error."""
    try:
        status = _command()(args=arguments, prog_name="workbench", standalone_mode=False)
    except WorkbenchError as error:
        typer.echo(f"workbench: {error}", err=True)
        return MISUSE
    except typer.TyperException as error:
        if told := error.format_message():  # it has none when the help was shown in its place
            typer.echo(printable(f"workbench: {told} (mend: see --help)"), err=True)
        return MISUSE
    except (KeyboardInterrupt, typer.Abort):
        typer.echo(_STOPPED, err=True)
        return INTERRUPTED
    except OSError as error:
        return _failed(error)
    if status == INTERRUPTED:  # Typer turns Ctrl-C into this status by itself
        typer.echo(_STOPPED, err=True)
    return status if isinstance(status, int) else OK


def _failed(error: OSError) -> int:
    if error.filename:
        typer.echo(printable(f"workbench: {error.filename}: {error.strerror}"), err=True)
        return MISUSE
    # Nobody reads, or the disk is full: leave without a second complaint at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        return OK
    typer.echo(f"workbench: {error.strerror or error}", err=True)
    return MISUSE
