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
    losses: Annotated[bool, typer.Option(help="also under loss: most of the time it takes")] = True,
    engine: Annotated[str, typer.Option(help="local, processes, dask or dask://HOST:PORT")] = "processes",
    trust: Annotated[list[Path] | None, typer.Option(help="public key of a signer, with PACK")] = None,
    format: Format = "text",
) -> None:
    """Write a page of what a pack shows on a dataset: beside goals, dummies, ablations and losses.

    Example: `workbench numbers rules datasets/quickstart --no-losses --out build/numbers.md`
    """
    from workbench.dataset.dataset import Dataset, as_split
    from workbench.evaluate.ablation import ablation_variants
    from workbench.evaluate.backtest import add_up, outcomes
    from workbench.evaluate.engine import open_map
    from workbench.evaluate.load import load_payload
    from workbench.evaluate.loss import loss_variants, under_loss
    from workbench.evaluate.numbers import Numbers, to_markdown
    from workbench.evaluate.replay import Variant
    from workbench.evaluate.unseen import unseen_families
    from workbench.files import write_aside
    from workbench.output import track
    from workbench.scorer import Scorer

    payload = load_payload(rules, baseline=baseline, trust=trust or [])
    plan = Scorer.from_payload(payload).plan
    opened = Dataset.open(dataset)
    directories = opened.chosen(split)
    words = ["workbench", "numbers", str(rules), str(dataset), "--out", str(out)]
    words += ["--split", split] if split else []
    words += ["--baseline", str(baseline)] if baseline else []
    words += [name for name, on in (("--no-ablate", ablate), ("--no-losses", losses)) if not on]
    without = ablation_variants(payload) if ablate else {}
    under = loss_variants(payload) if losses else {}
    variants = [Variant(payload), *without.values(), *under.values()]
    with open_map(engine) as run:
        every = list(track(outcomes(variants, directories, map=run), "recording"))
    whole, *others = ([found[number] for found in every] for number in range(len(variants)))
    changed = dict(zip([*without, *under], others, strict=True))
    found = Numbers(
        title=f"Numbers on {opened.manifest.name}{f', {split} split' if split else ''}",
        command=shlex.join(words),
        report=add_up(whole, plan),
        without={name: add_up(changed[name], plan) for name in without},
        losses={name: under_loss(changed[name]) for name in under},
        unseen=unseen_families(opened, as_split(split)),
    )
    write_aside(out, to_markdown(found).encode())
    verdict = found.report.verdict
    if format == "json":
        show_json({"page": str(out), "verdict": verdict})
        return
    typer.echo(
        f"{out}: caught {verdict.true_positives} of {verdict.malicious}, "
        f"{verdict.false_positives} of {verdict.benign} benign alerted on"
    )
