"""`workbench numbers`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from workbench.output import Format, show_json


def register(app: typer.Typer) -> None:
    """Add `numbers`."""
    app.command("numbers")(numbers)


def numbers(
    rules: Annotated[Path, typer.Argument(metavar="RULES|PACK")],
    dataset: Annotated[Path, typer.Argument(metavar="DATASET")],
    out: Annotated[Path, typer.Option(metavar="F", help="the page, Markdown")],
    split: Annotated[str, typer.Option(help="this split only: train, validation or test")] = "",
    baseline: Annotated[Path | None, typer.Option(help="frozen baselines, with RULES")] = None,
    ablate: Annotated[bool, typer.Option(help="also without attribution, provenance and drift")] = True,
    losses: Annotated[bool, typer.Option(help="also under loss: nine times as long")] = True,
    engine: Annotated[str, typer.Option(help="local, processes, dask or dask://HOST:PORT")] = "processes",
    trust: Annotated[list[Path] | None, typer.Option(help="public key of a signer, with PACK")] = None,
    format: Format = "text",
) -> None:
    """Write a page of what a pack shows on a dataset: beside goals, dummies, ablations and losses.

    Example: `workbench numbers rules datasets/quickstart --no-losses --out build/numbers.md`
    """
    from workbench.dataset.dataset import Dataset, as_split
    from workbench.evaluate.ablation import ablations
    from workbench.evaluate.backtest import backtest
    from workbench.evaluate.engine import open_map
    from workbench.evaluate.load import load_payload
    from workbench.evaluate.loss import under_loss
    from workbench.evaluate.numbers import Numbers, to_markdown
    from workbench.files import write_aside

    payload = load_payload(rules, baseline=baseline, trust=trust or [])
    opened = Dataset.open(dataset)
    directories = opened.directories(as_split(split))
    words = ["workbench", "numbers", str(rules), str(dataset), "--out", str(out)]
    words += ["--split", split] if split else []
    words += ["--baseline", str(baseline)] if baseline else []
    words += [name for name, on in (("--no-ablate", ablate), ("--no-losses", losses)) if not on]
    with open_map(engine) as run:
        found = Numbers(
            title=f"Numbers on {opened.manifest.name}{f', {split} split' if split else ''}",
            command=shlex.join(words),
            report=backtest(payload, directories, map=run),
            without=ablations(payload, directories, map=run) if ablate else {},
            losses=under_loss(payload, directories, map=run) if losses else {},
        )
    write_aside(out, to_markdown(found).encode())
    verdict = found.report.verdict
    if format == "json":
        show_json({"page": str(out), "verdict": verdict})
        return
    typer.echo(
        f"{out}: recall {verdict.recall}, {verdict.false_positives_per_1000} false alarms per 1,000 benign"
    )
