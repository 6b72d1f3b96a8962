"""Makes a recording of spooled events: the two that enclose a session, attribution, one write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from capture.spool import read_events, read_session
from workbench.dataset.session import Label, Session
from workbench.event import Event, Value, order

if TYPE_CHECKING:
    from workbench.dataset.recording import Recording

# Arrow and the enrichment are large, and not needed while events come in.
_RECORDING, _ATTRIBUTE = "workbench.dataset.recording", "workbench.dataset.attribute"


def load() -> None:
    """Load now what is needed later, where the caller may not be allowed to read where we are installed."""
    for module in (_RECORDING, _ATTRIBUTE):
        import_module(module)


def session_events(session: Session) -> list[dict[str, Value]]:
    """Give the two events that enclose a session's own: agent/session_start and agent/session_end."""
    common: dict[str, Value] = {
        "event.category": "agent",
        "event.provider": "recorder",
        "gen_ai.conversation.id": session.id,
        "gen_ai.agent.name": session.agent,
        "host.id": session.boot,
        "host.name": session.host,
    }
    if session.root_entity_id:
        common["process.entity_id"] = session.root_entity_id
    if session.root_entity_id.startswith(session.boot[:8] + "-"):
        common["process.pid"] = int(session.root_entity_id.rpartition("-")[2], 16)
    return [
        {"@timestamp": session.started, "event.action": "session_start", "event.id": "s0", **common},
        {"@timestamp": session.ended, "event.action": "session_end", "event.id": "s1", **common},
    ]


def recover(spool: Path, out: Path) -> Recording:
    """Write the recording of a recorder that died, from the spool it left; raises RecordingError.

    What the source lost up to then is not known, and the notes say so.
    """
    session = read_session(spool)
    events = list(read_events(spool))
    session.notes.append("recovered from the spool of a recorder that ended early: its losses are not known")
    session.received = session.sent = len(events)
    session.ended = 1 + max((order(event)[0] for event in events), default=session.started)
    session.root_entity_id = str(
        next((e["process.entity_id"] for e in events if "process.entity_id" in e), "")
    )
    events += session_events(session)
    events.sort(key=order)
    return write(out, attributed(events), session)


def write(
    out: Path,
    events: Iterable[Event],
    session: Session,
    labels: Iterable[Label] = (),
    *,
    aside: Iterable[Mapping[str, str]] = (),
) -> Recording:
    """Write a recording at once."""
    recording: Recording = import_module(_RECORDING).write_recording(out, events, session, labels, aside)
    return recording


def attributed(events: list[dict[str, Value]]) -> list[Event]:
    """Add who did what, as far as the events themselves tell."""
    return list(import_module(_ATTRIBUTE).attribute(events))
