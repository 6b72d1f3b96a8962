"""`workbench dataset label`: ground truth given by hand, on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.output import Format, show_json
from workbench.printable import counted, printable

Ids = list[str] | None


def label(
    path: Annotated[Path, typer.Argument(metavar="RECORDING", help="a recording of no released dataset")],
    malicious: Annotated[Ids, typer.Option(metavar="EVENT", help="an event's id; repeatable")] = None,
    benign: Annotated[Ids, typer.Option(metavar="EVENT", help="an event's id; repeatable")] = None,
    whole: Annotated[
        bool,
        typer.Option(
            "--whole", help="label the tool call of each event, or its process and what that started"
        ),
    ] = False,
    rest: Annotated[bool, typer.Option("--rest", help="label what has no label as benign")] = False,
    anew: Annotated[bool, typer.Option("--anew", help="forget the labels that are there")] = False,
    technique: Annotated[
        Ids, typer.Option(metavar="T", help="ATT&CK or ATLAS id of what is malicious; repeatable")
    ] = None,
    step: Annotated[str, typer.Option(help="a name for what is labelled, kept with each label")] = "by-hand",
    by: Annotated[str, typer.Option(help="who labelled it, kept with each label")] = "hand",
    format: Format = "text",
) -> None:
    """Label events of a recording of your own, by their ids; exit 1 when the labels do not fit.

    Example: `workbench dataset label build/hello --malicious k12 --whole --rest --technique T1041`
    """
    from workbench.dataset.labelling import Labelling
    from workbench.dataset.recording import Recording
    from workbench.errors import InputError
    from workbench.rule.techniques import techniques

    if unknown := [one for one in technique or () if one not in techniques() and not one.startswith("AML.")]:
        cause = f"no technique {unknown[0]!r} in the pinned ATT&CK and ATLAS"
        raise InputError(cause, mend="such as T1041 or AML.T0086")
    labelling = Labelling(Recording.open(path), by)

    if anew:
        labelling.labels.clear()

    def chosen(events: Ids) -> list[str]:
        return [one for event in events or () for one in (labelling.whole_of(event) if whole else [event])]

    labelling.mark(chosen(benign), "benign", step=step)
    labelling.mark(chosen(malicious), "malicious", step=step, techniques=technique or ())
    if rest:
        names = (str(event["event.id"]) for event in labelling.events)
        labelling.mark([name for name in names if name not in labelling.labels], "benign")
    labelling.save()
    counts = labelling.recording.count_labels()
    faults = list(labelling.faults())
    if format == "json":
        show_json({"recording": str(path), "labels": counts, "faults": faults})
    else:
        told = ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items()))
        typer.echo(f"{printable(str(path))}: {told} of {counted(len(labelling.events), 'event')}")
        for fault in faults:
            typer.echo(printable(f"{fault} (mend: --anew --whole labels what an event is part of)"), err=True)
    raise typer.Exit(1 if faults else 0)
