"""The verbs of capture: record, doctor, import."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the verbs to the command line."""
    app.command(context_settings={"allow_interspersed_args": False})(record)


def record(
    command: Annotated[list[str], typer.Argument(metavar="CMD…", help="the command and its arguments")],
    out: Annotated[Path, typer.Option(help="the recording's directory, which must not exist")],
    source: Annotated[str, typer.Option(help="auto, bcc or strace")] = "auto",
    agent: Annotated[str, typer.Option(help="the agent's name, kept with the recording")] = "unknown",
    timeout: Annotated[float | None, typer.Option(help="end the command after so many seconds")] = None,
) -> int:
    """Run a command and record everything its process tree does.

    The exit status is the command's own. Example: `workbench record --out build/hello -- sh -c 'date; id'`
    """
    from capture.recorder import record as run

    # A supervisor's polite end is an interruption too: what was seen is written.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    recording = run(command, out, source=source, agent=agent, timeout=timeout)
    session = recording.session
    typer.echo(f"{out}: {session.received} events, {session.loss.total()} lost", err=True)
    if "interrupted" in session.notes:
        raise KeyboardInterrupt
    code = session.exit_code or 0
    return code if code >= 0 else 128 - code
