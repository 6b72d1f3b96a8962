"""`workbench hook`, and reading of harness transcripts for `workbench import`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from capture.harness.transcript import Transcript


def register(app: typer.Typer) -> None:
    """Add the `hook` command."""
    app.command("hook")(hook)


def hook(
    out: Annotated[Path | None, typer.Option(help="file to append to")] = None,
    agent: Annotated[str, typer.Option(help="name of the harness")] = "",
) -> None:
    """Append one event from a harness's hook, whose JSON is read from standard input.

    Called by harnesses at every tool call; `workbench-hook` is the same and starts faster.

    Example: `echo '{"hook_event_name": "PreToolUse"}' | workbench hook --out hooks.jsonl`
    """
    from capture.hook import log_path, run

    run(sys.stdin.buffer.read(), str(out) if out else log_path(), agent)


def import_harness(format: str, file: Path) -> Transcript:
    """Read what a harness wrote; raises InputError for an unknown format or a file that is not of it."""
    from capture.harness.formats import reader

    return reader(format)(file)
