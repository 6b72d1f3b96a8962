"""`workbench backtest`, `gate` and `coverage`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.output import Format, show, show_json, track


def register(app: typer.Typer) -> None:
    """Add `backtest`, `gate` and `coverage`."""
    for command in (backtest, gate, coverage):
        app.command(command.__name__)(command)


def backtest(
    rules: Annotated[Path, typer.Argument(metavar="RULES|PACK")],
    dataset: Annotated[Path, typer.Argument(metavar="DATASET")],
    baseline: Annotated[Path | None, typer.Option(help="frozen baselines, with RULES")] = None,
    engine: Annotated[str, typer.Option(help="local, processes, dask or dask://HOST:PORT")] = "local",
    json: Annotated[Path | None, typer.Option(help="write the report as JSON")] = None,
    junit: Annotated[Path | None, typer.Option(help="write the sessions as JUnit XML")] = None,
    html: Annotated[Path | None, typer.Option(help="write the report as one page of HTML")] = None,
    split: Annotated[str, typer.Option(help="this split only: train, validation or test")] = "",
    trust: Annotated[list[Path] | None, typer.Option(help="public key of a signer, with PACK")] = None,
    format: Format = "text",
) -> None:
    """Score every recording of a dataset and say what each rule catches and costs.

    Example: `workbench backtest rules datasets/quickstart --json build/backtest.json`
    """
    from workbench.dataset.dataset import Dataset
    from workbench.evaluate import report as reports
    from workbench.evaluate.backtest import backtest as run
    from workbench.evaluate.engine import open_map
    from workbench.evaluate.load import load_payload
    from workbench.files import write_aside

    payload = load_payload(rules, baseline=baseline, trust=trust or [])
    with open_map(engine) as chosen:
        directories = Dataset.open(dataset).chosen(split)
        found = run(
            payload,
            directories,
            map=lambda score, sessions: track(chosen(score, sessions), "session", len(directories)),
        )
    for file, render in ((json, reports.json_parts), (junit, reports.to_junit), (html, reports.to_html)):
        if file is not None:
            write_aside(file, render(found))
    if format == "json":
        typer.echo(reports.to_json(found).decode())
    else:
        show(reports.to_tables(found))


def gate(
    pack: Annotated[Path, typer.Argument(metavar="PACK")],
    dataset: Annotated[Path, typer.Argument(metavar="DATASET")],
    policy: Annotated[Path, typer.Option(help="YAML: what the pack must show")],
    split: Annotated[str, typer.Option(help="judge on this split only: train, validation or test")] = "",
    trust: Annotated[list[Path] | None, typer.Option(help="public key of a signer")] = None,
    format: Format = "text",
) -> None:
    """Judge a pack on a dataset by a policy; exit 1 with every reason when it must not ship.

    Example: `workbench gate build/agent-runtime.pack datasets/quickstart --policy examples/policy.yml`
    """
    from workbench.dataset.dataset import Dataset
    from workbench.evaluate.backtest import backtest as run
    from workbench.evaluate.gate import reasons_against
    from workbench.evaluate.load import load_payload
    from workbench.evaluate.policy import read_policy
    from workbench.pack.keys import trusted_keys
    from workbench.pack.statement import approvers, statements

    demanded = read_policy(policy)
    payload = load_payload(pack, trust=trust or [])
    directories = Dataset.open(dataset).chosen(split)
    report = run(payload, track(directories, "session"))
    known = approvers(statements(payload, trusted_keys(trust))) if demanded.approvals else {}
    reasons = reasons_against(payload, report, demanded, directories, approvals=known)
    if format == "json":
        show_json(
            {"pack": str(pack), "sessions": len(directories), "passed": not reasons, "reasons": reasons}
        )
    else:
        for told in reasons or [f"passed on {len(directories)} sessions"]:
            typer.echo(f"{pack}: {told}")
    raise typer.Exit(1 if reasons else 0)


def coverage(
    rules: Annotated[list[Path], typer.Argument(metavar="RULES…")],
    navigator: Annotated[
        Path | None, typer.Option(metavar="F", help="write an ATT&CK Navigator layer")
    ] = None,
    page: Annotated[
        Path | None, typer.Option(metavar="F", help="write a page of it, with what RULES/proof.json shows")
    ] = None,
    format: Format = "text",
) -> None:
    """Show which ATT&CK and ATLAS techniques the rules name.

    Example: `workbench coverage rules --navigator build/layer.json`
    """
    import msgspec

    from workbench.evaluate.coverage import coverage as covered_by
    from workbench.evaluate.coverage import to_navigator, to_table
    from workbench.files import write_aside
    from workbench.rule import load

    ruleset = load(rules)
    covered = covered_by(ruleset)
    if page is not None:
        from workbench.evaluate.coverage_page import coverage_page
        from workbench.evaluate.proof import PROOF, read_proof

        write_aside(page, coverage_page(ruleset, read_proof(rules[0] / PROOF)).encode())
    if navigator is not None:
        layer = to_navigator(covered, "Agent Detection Workbench")
        write_aside(navigator, msgspec.json.format(msgspec.json.encode(layer), indent=1) + b"\n")
    if format == "json":
        show_json(covered)
    else:
        show(to_table(covered))
