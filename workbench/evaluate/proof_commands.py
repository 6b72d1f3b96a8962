"""`workbench prove`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.output import Format, show, show_json, track


def register(app: typer.Typer) -> None:
    """Add `prove`."""
    app.command("prove")(prove)


def prove(
    rules: Annotated[Path, typer.Argument(metavar="RULES", help="a directory of rules")],
    dataset: Annotated[Path, typer.Argument(metavar="DATASET")],
    baseline: Annotated[Path | None, typer.Option(help="frozen baselines")] = None,
    engine: Annotated[str, typer.Option(help="local, processes, dask or dask://HOST:PORT")] = "local",
    write: Annotated[
        bool, typer.Option(help="write status, recordings and twins into the rules, and RULES/proof.json")
    ] = False,
    format: Format = "text",
) -> None:
    """Measure what a dataset proves of each rule: where it fires, which twins it leaves alone, its maturity.

    RULES/maturity.toml says what each maturity asks for. Example: `workbench prove rules datasets/quickstart`
    """
    import msgspec
    from rich.table import Table

    from workbench.dataset.dataset import MANIFEST, Dataset, digest
    from workbench.evaluate.backtest import backtest
    from workbench.evaluate.engine import open_map
    from workbench.evaluate.load import load_payload
    from workbench.evaluate.proof import PROOF, THRESHOLDS, read_thresholds
    from workbench.evaluate.proof_measuring import prove as add_up
    from workbench.evaluate.proof_writing import write_into_rules
    from workbench.files import write_aside
    from workbench.rule import load
    from workbench.rule.lock import digest_of

    thresholds = read_thresholds(rules / THRESHOLDS)
    opened, ruleset = Dataset.open(dataset), load(rules)
    payload = load_payload(rules, baseline=baseline)
    directories = opened.directories()
    with open_map(engine) as chosen:
        report = backtest(
            payload,
            directories,
            map=lambda score, sessions: track(chosen(score, sessions), "session", len(directories)),
        )
    manifest = dataset / MANIFEST
    found = add_up(
        report,
        opened.manifest,
        identity=digest(manifest) if manifest.is_file() else "",
        digests={rule.id: digest_of(rule) for rule in ruleset.rules},
        thresholds=thresholds,
    )
    if write:
        write_into_rules(ruleset, found.rules)
        told = msgspec.json.format(msgspec.json.encode(found, order="deterministic"), indent=1)
        write_aside(rules / PROOF, told + b"\n")
    if format == "json":
        show_json(found)
        return
    title = f"{found.dataset} {found.version}"
    table = Table("rule", "maturity", "attacks", "benign", "recordings", title=title, title_justify="left")
    for rule in found.rules.values():
        counts = str(rule.caught), str(rule.false_positives)
        table.add_row(rule.title, rule.maturity, *counts, " ".join(rule.recordings))
    show(table)
