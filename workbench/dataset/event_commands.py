"""`workbench dataset events`: what happened in a recording, event by event."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.output import Format, show_json
from workbench.printable import printable_line


def events(
    path: Annotated[Path, typer.Argument(metavar="RECORDING", help="a recording")],
    kind: Annotated[
        list[str] | None,
        typer.Option(metavar="K", help="a category or action: file, exec …; repeatable"),
    ] = None,
    process: Annotated[
        list[str] | None, typer.Option(metavar="P", help="a process's name, or its id; repeatable")
    ] = None,
    contains: Annotated[str, typer.Option(metavar="TEXT", help="what stands somewhere in the event")] = "",
    format: Format = "text",
) -> None:
    """Print the events of a recording, one a line: seconds since its start, id, label, kind, process, what.

    Each has the id that `workbench explain` and `workbench dataset label` take. With `--format json` an
    event is an object a line, with all its fields.

    Example: `workbench dataset events datasets/quickstart/recordings/run-06 --kind connect --kind dns`
    """
    from workbench.dataset.recording import Recording
    from workbench.event import Event, gist, integer

    recording = Recording.open(path)
    labels = {each.event_id: each.label for each in recording.labels()}

    def wanted(event: Event) -> bool:
        kinds = {event["event.category"], event["event.action"]}
        processes = {str(event.get("process.name", "")), str(event.get("process.pid", ""))}
        return (
            (not kind or not kinds.isdisjoint(kind))
            and (not process or not processes.isdisjoint(process))
            and (not contains or any(contains in str(value) for value in event.values()))
        )

    for event in filter(wanted, recording.events()):
        if format == "json":
            show_json(event)
            continue
        name = str(event.get("event.id", ""))
        seconds = (integer(event, "@timestamp") - recording.session.started) / 1e9
        sign = "!" if labels.get(name) == "malicious" else " "
        action = f"{event['event.category']}/{event['event.action']}"
        who = f"{event.get('process.name', '')}({event['process.pid']})" if "process.pid" in event else ""
        typer.echo(
            printable_line(f"{seconds:9.3f} {name:>8} {sign} {action:24} {who:22} {gist(event)[:200]}")
        )
