"""`workbench baseline`: learn what is normal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.output import Format, show, show_json, track


def register(app: typer.Typer) -> None:
    """Add `baseline fit`."""
    group = typer.Typer(help="Learn what is normal for each agent.", no_args_is_help=True)
    group.callback()(lambda: None)
    group.command("fit")(fit)
    app.add_typer(group, name="baseline")


def fit(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET")],
    out: Annotated[Path, typer.Option(help="where the frozen baselines go, as JSON")],
    format: Format = "text",
) -> None:
    """Fit drift baselines over the benign recordings of a dataset and freeze them.

    Example: `workbench baseline fit datasets/quickstart --out build/baseline.json`
    """
    from rich.table import Table

    from workbench.baseline.fit import fit as learn
    from workbench.baseline.frozen import save
    from workbench.dataset.dataset import Dataset
    from workbench.registry import load_all

    frozen = learn(track(Dataset.open(dataset).recordings(), "recording"), load_all())
    save(out, frozen)
    if format == "json":
        ready = [
            {
                "agent": item["agent"],
                "sessions": item["sessions"],
                "features": list(item["rarity"]),
                "volumes": bool(item["volumes"]),
                "session": bool(item["session"]),
            }
            for item in frozen
        ]
        show_json(ready)
        return
    table = Table("agent", "sessions", "features ready", "volumes", "session shape", title=str(out))
    for item in frozen:
        table.add_row(
            item["agent"],
            str(item["sessions"]),
            ", ".join(item["rarity"]) or "not ready",
            "ready" if item["volumes"] else "not ready",
            "ready" if item["session"] else "not ready",
        )
    show(table)
