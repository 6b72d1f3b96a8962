"""A file that another tool wrote becomes a recording."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from capture.assemble import attributed, recover, session_events, write
from capture.formats import FORMATS, Imported, reader
from capture.redact import Redactor
from workbench.dataset.session import Loss, Session
from workbench.errors import InputError
from workbench.event import order

if TYPE_CHECKING:
    from workbench.dataset.recording import Recording


def import_file(name: str, file: Path, out: Path, *, agent: str = "unknown") -> Recording:
    """Read `file` in the format `name` into a recording; raises InputError when that cannot be done."""
    if name == "spool":
        return recover(file, out)
    imported = _read(name, file)
    if not imported.events:
        raise InputError("holds no event that could be read", place=file, mend=f"is it a {name} file?")
    return _record(name, imported, out, agent)


def _read(name: str, file: Path) -> Imported:
    if name not in FORMATS:
        return _harness(name, file)
    try:
        with file.open("rb") as lines:
            return reader(name)(lines, str(file))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", place=file, mend="check the path") from None


def _harness(name: str, file: Path) -> Imported:
    """Harness transcripts are read by their own package."""
    from capture.harness import commands, formats  # noqa: PLC0415 - it builds on this package

    if name not in formats.FORMATS:
        known = ", ".join([*FORMATS, "spool", *formats.FORMATS])
        raise InputError(f"no format {name!r}", mend=f"use one of {known}")
    transcript = commands.import_harness(name, file)
    for number, event in enumerate(transcript.events, 1):
        event.setdefault("event.id", f"h{number}")
    loss = Loss(detail={f"unknown_{kind}": count for kind, count in transcript.aside.counts.items()})
    return Imported(transcript.events, loss, ("what the harness did not write down",), transcript.aside)


def _record(name: str, imported: Imported, out: Path, agent: str) -> Recording:
    redactor = Redactor()
    events = [redactor.event(event) for event in sorted(imported.events, key=order)]
    first, last = order(events[0])[0], order(events[-1])[0]
    told = next((str(e["gen_ai.conversation.id"]) for e in events if "gen_ai.conversation.id" in e), "")
    session = Session(
        id=told or str(uuid.uuid4()),
        agent=agent,
        source=name,
        host=str(events[0].get("host.name", "")),
        started=first,
        ended=last + 1,
        root_entity_id=str(next((e["process.entity_id"] for e in events if "process.entity_id" in e), "")),
        sent=len(events) + imported.loss.dropped,
        received=len(events),
        loss=imported.loss,
        cannot_see=list(imported.cannot_see),
        notes=["imported"],
    )
    framed = {event["event.action"] for event in events} & {"session_start", "session_end"}
    events += [e for e in session_events(session) if e["event.action"] not in framed]
    events.sort(key=order)
    aside = imported.aside.lines(redactor) if imported.aside else []
    return write(out, attributed(events), session, aside=aside)
