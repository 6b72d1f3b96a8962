"""`workbench fleet`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.output import Format, show_json, track
from workbench.printable import counted


def register(app: typer.Typer) -> None:
    """Add `fleet`."""
    app.command("fleet")(fleet)


def fleet(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="what the copies are made from")],
    out: Annotated[Path, typer.Option(help="a new directory for them")],
    events: Annotated[int, typer.Option(help="how many events to reach", min=1)] = 1_000_000,
    hosts: Annotated[int, typer.Option(help="on how many hosts", min=1)] = 100,
    days: Annotated[int, typer.Option(help="within how many days", min=1)] = 30,
    seed: Annotated[int, typer.Option(help="what the draw starts from")] = 0,
    format: Format = "text",
) -> None:
    """Multiply recorded sessions over many hosts and days, to try what a backtest costs at size.

    The copies behave as what they were made from: they measure speed and memory, never detection.

    Example: `workbench fleet datasets/quickstart --out build/fleet --events 20000`
    """
    from workbench.dataset.dataset import Dataset
    from workbench.errors import RecordingError
    from workbench.evaluate.fleet import multiply

    if out.exists() and any(out.iterdir()):
        raise RecordingError("already exists and is not empty", place=out, mend="choose another --out")
    recordings = list(Dataset.open(dataset).recordings())
    sessions = made = 0
    for _, count in track(
        multiply(recordings, out, events=events, hosts=hosts, days=days, seed=seed), "session"
    ):
        sessions, made = sessions + 1, made + count
    if format == "json":
        show_json({"recordings": str(out), "events": made, "sessions": sessions})
    else:
        typer.echo(f"{out}: {counted(made, 'event')} in {counted(sessions, 'session')}")
