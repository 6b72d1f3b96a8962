"""`workbench dataset`: what is in a dataset, and is it sound."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from workbench.dataset.event_commands import events
from workbench.dataset.label_commands import label
from workbench.output import Format, show, show_json, track
from workbench.printable import counted

Directory = Annotated[Path, typer.Argument(metavar="DIR", help="a dataset, or any directory of recordings")]


def register(app: typer.Typer) -> None:
    """Add the `dataset` commands."""
    group = typer.Typer(
        help="Look at datasets, label, check, join, divide and degrade them.", no_args_is_help=True
    )
    for verb in (info, events, label, validate, thin, disguise, merge, split, degrade, release, diff):
        group.command(verb.__name__)(verb)
    app.add_typer(group, name="dataset")


def info(path: Directory, format: Format = "text") -> None:
    """Count recordings, events, labels and losses.

    Example: `workbench dataset info datasets/quickstart`
    """
    from rich.table import Table
    from rich.text import Text

    from workbench.dataset.dataset import Dataset
    from workbench.printable import printable

    rows = []
    for recording in track(Dataset.open(path).recordings(), "recording"):
        session, labels = recording.session, recording.count_labels()
        actions = Counter(str(event["event.category"]) for event in recording.events())
        rows.append(
            {
                "recording": recording.path.name,
                "agent": session.agent,
                "source": session.source,
                "events": actions.total(),
                "malicious": labels["malicious"],
                "dropped": session.loss.dropped,
                "left_out": ", ".join(f"{name} {n}" for name, n in session.loss.not_visible.items()),
            }
        )
    if format == "json":
        show_json(rows)
        return
    table = Table(*rows[0].keys(), title=f"recordings: {len(rows)}", title_justify="left")
    for row in rows:
        table.add_row(*(Text(printable(str(value))) for value in row.values()))
    show(table)


def validate(path: Directory, format: Format = "text") -> None:
    """Check files, schema, labels, twins, splits, card and Croissant; exit 1 with every fault listed.

    Example: `workbench dataset validate datasets/quickstart`
    """
    from workbench.dataset.dataset import Dataset
    from workbench.dataset.validate import validate as faults_of

    dataset = Dataset.open(path)
    faults = faults_of(dataset)
    recordings = len(dataset.directories())
    if format == "json":
        show_json({"recordings": recordings, "faults": faults})
    else:
        for fault in faults or [f"{counted(recordings, 'recording')}, all sound"]:
            typer.echo(fault)
    raise typer.Exit(1 if faults else 0)


def thin(
    path: Directory,
    out: Annotated[Path, typer.Option(help="where the thinned recordings go")],
    format: Format = "text",
) -> None:
    """Copy recordings without reads of library code and harnesses' bookkeeping; it is counted as loss.

    Example: `workbench dataset thin datasets/quickstart --out build/thin`
    """
    from workbench.dataset.dataset import Dataset
    from workbench.dataset.thin import BOOKKEEPING, LIBRARIES
    from workbench.dataset.thin import thin as copy

    thinned = {}
    for recording in track(Dataset.open(path).recordings(), "recording"):
        copied = copy(recording, out / recording.path.name)
        left_out = copied.session.loss.not_visible
        thinned[str(copied.path)] = {reason: left_out.get(reason, 0) for reason in (LIBRARIES, BOOKKEEPING)}
    if format == "json":
        show_json([{"recording": name, "left_out": counts} for name, counts in thinned.items()])
        return
    for name, counts in thinned.items():
        typer.echo(f"{name}: {', '.join(f'{count} {reason}' for reason, count in counts.items())} left out")


def disguise(
    path: Directory,
    out: Annotated[Path, typer.Option(help="where the disguised recordings go")],
    seed: Annotated[int, typer.Option(help="what the draw starts from")] = 0,
    format: Format = "text",
) -> None:
    """Copy recordings onto dates and boot ids drawn at random, which else tell in what order they were made.

    Example: `workbench dataset disguise datasets/quickstart --out build/disguised`
    """
    from workbench.dataset.dataset import Dataset
    from workbench.dataset.disguise import disguise as copy

    count = 0
    for recording in track(Dataset.open(path).recordings(), "recording"):
        copy(recording, out / recording.path.name, seed)
        count += 1
    if format == "json":
        show_json({"recordings": str(out), "count": count})


def merge(
    sources: Annotated[
        list[Path], typer.Argument(metavar="DIR…", help="datasets or directories of recordings")
    ],
    out: Annotated[Path, typer.Option(help="the new dataset")],
    version: Annotated[str, typer.Option(help="its version")] = "0.1.0",
    like: Annotated[
        Path | None, typer.Option(help="a released dataset whose sessions keep their recordings' names")
    ] = None,
    format: Format = "text",
) -> None:
    """Copy the recordings of several datasets into a new one, with a manifest.

    Example: `workbench dataset merge datasets/quickstart --out build/merged`
    """
    from workbench.dataset.dataset import Dataset
    from workbench.dataset.split import merge as join

    known = Dataset.open(like) if like is not None else None
    count = len(join(sources, out, version, like=known).recordings)
    if format == "json":
        show_json({"dataset": str(out), "version": version, "recordings": count})
    else:
        typer.echo(f"{out}: {counted(count, 'recording')}")


def split(
    path: Directory,
    version: Annotated[str, typer.Option(help="the version with these splits")] = "0.1.0",
    test_family: Annotated[
        list[str] | None, typer.Option(help="a scenario family kept for test; repeatable")
    ] = None,
    like: Annotated[
        Path | None,
        typer.Option(
            help="a released dataset: its sessions and families keep their splits, new ones are no test"
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="what the draw starts from")] = 0,
    format: Format = "text",
) -> None:
    """Assign recordings to train, validation and test by session, whole families to test where asked.

    Example: `workbench dataset split build/merged --test-family secret-to-egress`
    """
    from workbench.dataset.dataset import Dataset
    from workbench.dataset.split import split as divide

    known = Dataset.open(like) if like is not None else None
    manifest = divide(Dataset.open(path), version, test_families=test_family or (), like=known, seed=seed)
    counts = Counter(entry.split for entry in manifest.recordings.values())
    sizes = {name: counts[name] for name in ("train", "validation", "test")}
    if format == "json":
        show_json({"dataset": str(path), "version": version, "splits": sizes})
    else:
        typer.echo(", ".join(f"{name} {count}" for name, count in sizes.items()))


def degrade(
    path: Directory,
    out: Annotated[Path, typer.Option(help="the new dataset")],
    drop: Annotated[float, typer.Option(help="share of the kernel's events that are dropped")] = 0.0,
    reorder: Annotated[float, typer.Option(help="share of the kernel's events that are stamped late")] = 0.0,
    no_argv: Annotated[float, typer.Option(help="share of processes without their arguments")] = 0.0,
    no_harness_log: Annotated[
        float, typer.Option(help="share of recordings without the harness's log")
    ] = 0.0,
    unattributed: Annotated[
        float, typer.Option(help="share of the kernel's events that belong to no session")
    ] = 0.0,
    seed: Annotated[int, typer.Option(help="what the draw starts from")] = 0,
    format: Format = "text",
) -> None:
    """Write a dataset anew as worse captures would have recorded it; each recording says what it lost.

    Example: `workbench dataset degrade datasets/quickstart --out build/degraded --drop 0.05`
    """
    from workbench.dataset.dataset import Dataset
    from workbench.dataset.degrade import Rates
    from workbench.dataset.degrade import degrade as write

    rates = Rates(
        drop=drop, reorder=reorder, argv=no_argv, harness_log=no_harness_log, unattributed=unattributed
    )
    manifest = write(Dataset.open(path), out, rates, seed)
    if format == "json":
        show_json({"dataset": str(out), "recordings": len(manifest.recordings)})
    else:
        typer.echo(f"{out}: {counted(len(manifest.recordings), 'recording')}")


def release(
    path: Directory,
    version: Annotated[str, typer.Option(help="the version to release")],
    published: Annotated[str, typer.Option(help="the date, as 2026-01-31; by default what it was")] = "",
    format: Format = "text",
) -> None:
    """Count the card's figures anew, describe the dataset as Croissant and seal all files in the manifest.

    Example: `workbench dataset release build/merged --version 1.0.0 --published 2026-01-31`
    """
    from workbench.dataset.dataset import Dataset
    from workbench.dataset.release import release as seal

    manifest = seal(Dataset.open(path), version, published=published)
    if format == "json":
        show_json({"dataset": str(path), "version": version, "recordings": len(manifest.recordings)})
    else:
        typer.echo(f"{path}: version {manifest.version}, {counted(len(manifest.recordings), 'recording')}")


def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="a released dataset")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="another, such as one recorded again")],
    format: Format = "text",
) -> None:
    """Tell what differs between two datasets: sessions, their splits, and the figures of each table.

    Example: `workbench dataset diff datasets/quickstart datasets/agent-runs`
    """
    from workbench.dataset.dataset import Dataset
    from workbench.dataset.difference import difference

    lines = list(difference(Dataset.open(old), Dataset.open(new)))
    if format == "json":
        show_json({"old": str(old), "new": str(new), "differences": lines})
        return
    for line in lines or ["nothing differs"]:
        typer.echo(line)
