"""`workbench backtest`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add `backtest`."""
    app.command("backtest")(backtest)


def backtest(
    rules: Annotated[Path, typer.Argument(metavar="RULES|PACK")],
    dataset: Annotated[Path, typer.Argument(metavar="DATASET")],
    baseline: Annotated[Path | None, typer.Option(help="frozen baselines, with RULES")] = None,
    engine: Annotated[str, typer.Option(help="local, processes, dask or dask://HOST:PORT")] = "local",
    json: Annotated[Path | None, typer.Option(help="write the report as JSON")] = None,
    junit: Annotated[Path | None, typer.Option(help="write the sessions as JUnit XML")] = None,
    trust: Annotated[list[Path] | None, typer.Option(help="public key of a signer, with PACK")] = None,
) -> None:
    """Score every recording of a dataset and say what each rule catches and costs.

    Example: `workbench backtest rules datasets/quickstart --json build/backtest.json`
    """
    from rich.console import Console

    from workbench.dataset.dataset import Dataset
    from workbench.evaluate import report as reports
    from workbench.evaluate.backtest import backtest as run
    from workbench.evaluate.engine import open_map
    from workbench.evaluate.load import load_payload

    payload = load_payload(rules, baseline=baseline, trust=trust or [])
    with open_map(engine) as chosen:
        found = run(payload, Dataset.open(dataset).directories(), map=chosen)
    if json is not None:
        reports.write(json, reports.to_json(found))
    if junit is not None:
        reports.write(junit, reports.to_junit(found))
    Console().print(reports.to_tables(found))
