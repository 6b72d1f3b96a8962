"""Are a recording's labels what they claim: of events there are, and caused by the step they name."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from workbench.dataset.process_tree import ProcessTree, call_spans
from workbench.dataset.session import Label, Session
from workbench.event import Event, integer
from workbench.printable import counted

LOOKED_AT = (
    *("@timestamp", "event.sequence", "event.id", "event.category", "event.action", "gen_ai.tool.call.id"),
    *("process.entity_id", "process.parent.entity_id", "process.target.entity_id", "attribution.actor"),
)
"""The fields of events that tell of faults; no others need be given."""
_AGAIN = "label it again"


def label_faults(
    events: Sequence[Event], labels: Sequence[Label], session: Session
) -> Iterator[tuple[str, str]]:
    """Give each fault as (cause, mend)."""
    known = {str(event.get("event.id", "")): event for event in events}
    times = Counter(label.event_id for label in labels)
    if repeated := [event_id for event_id, count in times.items() if count > 1]:
        yield f"labelled twice: {counted(len(repeated), 'event')}, such as {repeated[0]!r}", _AGAIN
    if stray := [label.event_id for label in labels if label.event_id not in known]:
        yield f"{len(stray)} labels name no event, such as {stray[0]!r}", _AGAIN
    if unknown := {label.label for label in labels} - {"benign", "malicious"}:
        yield f"unknown labels {sorted(unknown)}", "use benign or malicious"
    malicious = [label for label in labels if label.label == "malicious"]
    if malicious and (twin_of := session.settings.get("twin_of")):
        yield f"the benign twin of {twin_of} has {len(malicious)} malicious events", _AGAIN
    if bare := [label.event_id for label in malicious if not label.step or not label.techniques]:
        yield f"{len(bare)} malicious events name no step or technique, such as {bare[0]!r}", _AGAIN
    attacks = [(known[label.event_id], label.step) for label in malicious if label.event_id in known]
    if lost := list(_unreachable(events, attacks)):
        yield f"{len(lost)} malicious events are not reachable from their step, such as {lost[0]!r}", _AGAIN


def _unreachable(events: Sequence[Event], attacks: Sequence[tuple[Event, str]]) -> Iterator[str]:
    """Give the ids of malicious events that their step did not cause.

    A step causes what descends from a process it executed, what its tool call says of itself, for a tool of a
    server that runs all the time what happens during the call, and what the agent itself is made to exchange
    with a host, whenever that is.
    """
    tree = ProcessTree(events)
    started: dict[str, set[str]] = defaultdict(set)
    calls: dict[str, set[str]] = defaultdict(set)
    for event, step in attacks:
        if event["event.action"] == "exec":
            started[step].add(str(event.get("process.entity_id", "")))
        elif event["event.category"] == "agent":
            calls[step].add(str(event.get("gen_ai.tool.call.id", "")))
    spans = call_spans(events)
    for event, step in attacks:
        if event["event.category"] == "agent":
            caused = "gen_ai.tool.call.id" in event
        elif not started[step].isdisjoint(tree.line(str(event.get("process.entity_id", "")))) or (
            event["event.category"] == "network" and event.get("attribution.actor") == "agent"
        ):
            caused = True
        else:
            at = integer(event, "@timestamp")
            caused = any(first <= at <= last for first, last in (spans[c] for c in calls[step] if c in spans))
        if not caused:
            yield str(event["event.id"])
