"""The command line: one Typer app, built from the verbs that each package offers."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.metadata import entry_points

import typer

from workbench.errors import WorkbenchError

PACKAGES = (
    "workbench.dataset.commands",
    "workbench.rule.commands",
    "workbench.pack.commands",
    "workbench.baseline.commands",
    "workbench.evaluate.commands",
    "workbench.evaluate.score_commands",
    "workbench.evaluate.calibration_commands",
    "workbench.sensor.commands",
    "workbench.nb.commands",
    "workbench.cli.commands",
)

OK, FOUND, MISUSE, INTERRUPTED = 0, 1, 2, 130


def build() -> typer.Typer:
    """Assemble the app from `register(app)` of every package and `workbench.commands` entry point."""
    app = typer.Typer(
        name="workbench",
        help="Study what coding agents really do on a host, and ship rules that sensors run.",
        no_args_is_help=True,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
    )
    for package in PACKAGES:
        import_module(package).register(app)
    for entry in sorted(entry_points(group="workbench.commands"), key=lambda entry: entry.name):
        entry.load()(app)
    return app


def main() -> None:
    """Run the command line: exit 0, 1 for a finding or failed gate, 2 for misuse or bad input."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and give its exit status; faults of the input end as text on standard error."""
    try:
        status = build()(args=arguments, prog_name="workbench", standalone_mode=False)
    except WorkbenchError as error:
        typer.echo(f"workbench: {error}", err=True)
        return MISUSE
    except typer.TyperException as error:
        if told := str(error):  # it has none when the help was shown in its place
            typer.echo(f"workbench: {told} (mend: see --help)", err=True)
        return MISUSE
    except (KeyboardInterrupt, typer.Abort):
        typer.echo("workbench: interrupted; nothing half-written was left", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader went away, as `head` does: leave without a second complaint at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    return status if isinstance(status, int) else OK
