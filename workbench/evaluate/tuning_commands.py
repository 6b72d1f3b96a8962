"""`workbench tune` and `workbench compare`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.output import Format, show, show_json

if TYPE_CHECKING:
    from workbench.evaluate.backtest import Report


def register(app: typer.Typer) -> None:
    """Add `tune` and `compare`."""
    app.command("tune")(tune)
    app.command("compare")(compare)


def tune(
    rules: Annotated[Path, typer.Argument(metavar="RULES")],
    dataset: Annotated[Path, typer.Argument(metavar="DATASET")],
    rule: Annotated[str, typer.Option(help="the rule's id, name or title")],
    false_positive: Annotated[
        list[str] | None,
        typer.Option(help="a recording whose findings are false; repeatable, all benign else"),
    ] = None,
    baseline: Annotated[Path | None, typer.Option(help="frozen baselines")] = None,
    engine: Annotated[str, typer.Option(help="local, processes, dask or dask://HOST:PORT")] = "local",
    out: Annotated[Path | None, typer.Option(metavar="F", help="write the filter, once proved")] = None,
    format: Format = "text",
) -> None:
    """Propose a Sigma filter that ends a rule's false positives, proved to lose no attack of the dataset.

    Exit 1 when there is none. Example:
    `workbench tune rules datasets/quickstart --rule "A git hook is written in an agent's session"`
    """
    from workbench.baseline import frozen
    from workbench.dataset.dataset import Dataset
    from workbench.evaluate import tuning
    from workbench.evaluate.backtest import backtest
    from workbench.evaluate.engine import open_map
    from workbench.files import write_aside
    from workbench.pack import build_payload
    from workbench.printable import printable
    from workbench.rule import RuleSet, load

    baselines = frozen.load(baseline) if baseline else ()

    def packed(chosen: RuleSet) -> bytes:
        return build_payload(chosen, rules.stem, "0", baselines=baselines)

    loaded = load([rules])
    wanted = tuning.find(loaded, rule)
    directories = Dataset.open(dataset).directories()
    payload = packed(loaded)
    with open_map(engine) as chosen:
        before = backtest(payload, directories, map=chosen)
        wrong = tuning.false_positives(before, wanted.id, false_positive or ())
        for proposal in tuning.propose(payload, wanted, before, directories, wrong):
            after = backtest(packed(tuning.with_filter(loaded, proposal)), directories, map=chosen)
            proof = tuning.prove(wanted.id, before, after)
            if proof.holds:
                break
        else:
            told = f"no single field tells these {len(wrong)} false positives from the attacks"
            typer.echo(told, err=True)
            raise typer.Exit(1)
    if out is not None:
        write_aside(out, proposal.text.encode())
    if format == "json":
        show_json(
            {
                "filter": proposal.text,
                "recordings": len(directories),
                "caught": proof.caught,
                "false_positives": proof.false_positives,
            }
        )
        return
    typer.echo(printable(proposal.text))
    typer.echo(
        f"on {len(directories)} recordings: attacks caught {proof.caught[0]} → {proof.caught[1]}, "
        f"false positives {proof.false_positives[0]} → {proof.false_positives[1]}, no verdict lost"
    )
    if not proof.caught[0]:
        typer.echo("note: the rule caught no attack there, so that none is lost proves nothing", err=True)


def compare(
    before: Annotated[
        Path, typer.Argument(metavar="A", help="a report of `backtest --json`, rules or a pack")
    ],
    after: Annotated[Path, typer.Argument(metavar="B", help="the newer one")],
    dataset: Annotated[Path | None, typer.Option(help="what rules and packs are run over")] = None,
    trust: Annotated[list[Path] | None, typer.Option(help="public key of a signer, with packs")] = None,
    format: Format = "text",
) -> None:
    """Tell what two runs or two packs judge differently, recording by recording and rule by rule.

    Exit 1 when anything differs. Example: `workbench compare build/old.json build/new.json`
    """
    from rich.table import Table
    from rich.text import Text

    from workbench.evaluate import comparison
    from workbench.printable import printable

    reports = [_report(path, dataset, trust or []) for path in (before, after)]
    found = comparison.compare(*reports)
    if format == "json":
        show_json(found)
        raise typer.Exit(0 if found.same else 1)
    if found.same:
        typer.echo(f"the same on {found.recordings} recordings")
        return
    verdicts = Table("recording", "truth", "before", "after", "", title="Verdicts", title_justify="left")
    for changed in found.verdicts:
        truth = "malicious" if changed.malicious else "benign"
        turn = "better" if changed.better else "worse"
        verdicts.add_row(Text(printable(changed.recording)), truth, changed.before, changed.after, turn)
    table = Table("rule", "before", "after", title="Rules: caught, false alarms", title_justify="left")
    for rule in found.rules:
        cells = [
            "–" if counts is None else f"{counts[0]}, {counts[1]}" for counts in (rule.before, rule.after)
        ]
        table.add_row(Text(printable(rule.title)), *cells)
    show(verdicts)
    show(table)
    typer.echo(
        f"{found.recordings} recordings in common; McNemar's exact test of the verdicts: p = {found.p:g}"
    )
    raise typer.Exit(1)


def _report(path: Path, dataset: Path | None, trust: list[Path]) -> Report:
    from workbench.dataset.dataset import Dataset
    from workbench.errors import InputError
    from workbench.evaluate.backtest import backtest
    from workbench.evaluate.load import load_payload
    from workbench.evaluate.report import read_report

    if path.suffix == ".json":
        return read_report(path)
    if dataset is None:
        raise InputError("needs recordings to run over", place=path, mend="give --dataset")
    return backtest(load_payload(path, trust=trust), Dataset.open(dataset).directories())
