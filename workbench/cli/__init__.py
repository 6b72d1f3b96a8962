"""The command line: runs one command and words what went wrong."""

from __future__ import annotations

import os
import sys

from workbench.errors import WorkbenchError
from workbench.printable import printable

OK, FOUND, MISUSE, INTERRUPTED = 0, 1, 2, 130


def main() -> None:
    """Run the command line: exit 0, 1 for a finding or failed gate, 2 for misuse or bad input."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and give its exit status; faults of the input end as text on standard error."""
    try:
        status = _run(arguments)
    except WorkbenchError as error:
        _say(str(error))
        return MISUSE
    except KeyboardInterrupt:
        status = INTERRUPTED
    except OSError as error:
        return _failed(error)
    except SystemExit as left:
        if not isinstance(left.__context__, BrokenPipeError):
            raise
        return OK  # nobody reads, which Typer takes for a failure
    if status == INTERRUPTED:
        _say("interrupted; nothing half-written was left")
    return status


def _run(arguments: list[str]) -> int:
    # Loaded only here: what is slow to load can be interrupted like all else.
    import typer  # noqa: PLC0415 - slow to import

    from workbench.cli.app import command  # noqa: PLC0415 - slow to import

    try:
        status = command()(args=arguments, prog_name="workbench", standalone_mode=False)
    except typer.TyperException as error:
        if told := error.format_message():  # it has none when the help was shown in its place
            _say(f"{told} (mend: see --help)")
        return MISUSE
    except typer.Abort:
        return INTERRUPTED
    return status if isinstance(status, int) else OK


def _say(what: str) -> None:
    print(printable(f"workbench: {what}"), file=sys.stderr)


def _failed(error: OSError) -> int:
    if error.filename:
        _say(f"{error.filename}: {error.strerror}")
        return MISUSE
    # Nobody reads, or the disk is full: leave without a second complaint at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        return OK
    _say(str(error.strerror or error))
    return MISUSE
