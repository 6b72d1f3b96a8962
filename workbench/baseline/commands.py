"""`workbench baseline`: learn what is normal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

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
    split: Annotated[str, typer.Option(help="this split only: train, validation or test")] = "",
    learn_on_host: Annotated[
        bool, typer.Option("--learn-on-host", help="go on learning where the pack runs, within bounds")
    ] = False,
    format: Format = "text",
) -> None:
    """Fit drift baselines over the benign recordings of a dataset and freeze them.

    Fit on the train split alone where the others are to be judged.

    Example: `workbench baseline fit datasets/quickstart --out build/baseline.json`
    """
    import cbor2
    from rich.table import Table

    from workbench.baseline.fit import fit as learn
    from workbench.baseline.frozen import save
    from workbench.dataset.dataset import Dataset
    from workbench.dataset.recording import Recording
    from workbench.registry import load_all
    from workbench.scorer.enrich.drift_past import AgentPast

    recordings = map(Recording.open, Dataset.open(dataset).chosen(split))
    frozen = learn(track(recordings, "recording"), load_all())
    save(out, [{**item, "learns_on_host": learn_on_host} for item in frozen])
    pasts = [AgentPast(item) for item in frozen]
    found: list[dict[str, Any]] = [
        {
            "agent": past.agent,
            "sessions": past.sessions,
            "features": [name for name, rarity in past.rarity.items() if rarity.ready],
            "volumes": past.levels.ready,
            "session": past.trees is not None,
            "bytes": len(cbor2.dumps(item, canonical=True)),
        }
        for past, item in zip(pasts, frozen, strict=True)
    ]
    if format == "json":
        show_json(found)
        return
    table = Table(*("agent", "sessions", "features ready", "volumes", "session shape", "in the pack"))
    for one in found:
        ready = ["ready" if one[what] else "not ready" for what in ("volumes", "session")]
        features = ", ".join(one["features"]) or "not ready"
        table.add_row(one["agent"], str(one["sessions"]), features, *ready, f"{one['bytes'] / 1000:.0f} kB")
    show(table)
