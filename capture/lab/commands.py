"""`workbench scenario list|run|campaign`."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated

import typer

from workbench.output import Format, show, show_json


def register(app: typer.Typer) -> None:
    """Add the `scenario` commands."""
    scenario = typer.Typer(
        no_args_is_help=True, help="Run attacks and ordinary work with real agents in a network of their own."
    )
    scenario.command("list")(list_scenarios)
    scenario.command("run")(run)
    scenario.command("campaign")(campaign)
    app.add_typer(scenario, name="scenario")


def list_scenarios(format: Format = "text") -> None:
    """List the scenarios: name, whether malicious, the scenario it is the benign twin of, title.

    Example: `workbench scenario list`
    """
    from rich.table import Table

    from capture.lab.scenario import load, names

    scenarios = [(name, load(name)) for name in names()]
    if format == "json":
        show_json(
            [
                {"name": name, "malicious": one.malicious, "twin_of": one.twin_of, "title": one.title}
                for name, one in scenarios
            ]
        )
        return
    table = Table(box=None)
    for column in ("name", "kind", "twin of"):
        table.add_column(column, no_wrap=True)
    table.add_column("title", overflow="fold")
    for name, scenario in scenarios:
        kind = "malicious" if scenario.malicious else "benign"
        table.add_row(name, kind, scenario.twin_of, scenario.title)
    show(table)


def run(
    name: Annotated[str, typer.Argument(help="a scenario of `workbench scenario list`")],
    out: Annotated[Path, typer.Option(help="directory to write the recording to")],
    agent: Annotated[str, typer.Option(help="harness that runs it")] = "mini-swe-agent",
    source: Annotated[str, typer.Option(help="source of events")] = "auto",
    mutator: Annotated[str, typer.Option(help="evasion to apply; see docs/scenarios.md")] = "",
    seed: Annotated[int, typer.Option(help="what names, paths, ids and parameters are drawn from")] = 0,
    format: Format = "text",
) -> None:
    """Run a scenario with a real harness, whose model follows a script, and record it with labels.

    Everything happens in namespaces of the run's own; nothing leaves them, and they are gone afterwards.

    Example: `workbench scenario run secret-to-egress --agent mini-swe-agent --out runs/1 --seed 7`
    """
    from capture.lab.run import run_scenario

    # A supervisor's polite end is an interruption too: what was begun is cleared away.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    recording = run_scenario(name, agent, out, source=source, seed=seed, mutator=mutator)
    counts = recording.count_labels()
    if format == "json":
        show_json({"recording": str(out), **counts})
        return
    typer.echo(f"{out}: {counts['malicious']} malicious and {counts['benign']} benign events")


def campaign(
    plan: Annotated[Path, typer.Argument(help="a plan: which scenarios, harnesses and evasions, how often")],
    out: Annotated[Path, typer.Option(help="directory that holds the recordings, and those made before")],
    jobs: Annotated[int, typer.Option(help="how many runs at a time", min=1)] = 2,
    every: Annotated[int, typer.Option(help="make only one run in so many, to try the way", min=1)] = 1,
    format: Format = "text",
) -> None:
    """Record many scenarios by a plan; a campaign that was stopped goes on where it was.

    Exits 1 when a run of the plan could not be made by any harness, naming each.

    Example: `workbench scenario campaign capture/lab/campaigns/agent-runs.yml --out build/agent-runs`
    """
    from tqdm.auto import tqdm

    from capture.lab.campaign import read, record, runs

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    planned = list(runs(read(plan)))[::every]
    total = len(planned)
    with tqdm(total=total, unit="run", disable=None) as bar:
        failed = record(planned, out, jobs=jobs, told=lambda run, how: bar.update())
    if format == "json":
        missing = [{"scenario": run.scenario, "mutator": run.mutator, "why": why} for run, why in failed]
        show_json({"recordings": str(out), "planned": total, "failed": missing})
        raise typer.Exit(1 if failed else 0)
    for run, why in failed:
        typer.echo(f"{run.scenario} {run.mutator}: {why}", err=True)
    typer.echo(f"{out}: {total - len(failed)} of {total} runs recorded")
    if failed:
        raise typer.Exit(1)
