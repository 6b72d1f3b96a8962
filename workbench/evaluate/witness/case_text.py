"""A witness as a case of a rule's test: text that a person reads and `workbench lint` runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from workbench.evaluate.witness.witness import Witness
from workbench.event import REQUIRED, TIMESTAMPS, Event, format_timestamp, integer
from workbench.printable import printable

HEAD = (
    "# The least of recordings, found by `workbench witness`: no event or field of a case can be left out.\n"
)
_FIRST = ("process.entity_id", "gen_ai.conversation.id")
_SECOND = 1_000_000_000


def case_text(witness: Witness, fires: Sequence[str], dataset: str = "", rule: str = "") -> str:
    """Give the case; `fires` are numbers of its events from 1, `rule` is the one that is meant, "" for all.

    `dataset` is the name and version of that which the recording belongs to, where they are known.

    >>> event = {"@timestamp": 0, "event.category": "file", "event.action": "open", "file.path": "/k"}
    >>> print(case_text(Witness([event], "run-1", "secret-to-egress", True, 900), ["1"], "agent-runs 1.1.0"))
    [[case]]
    name = "fires: 1 of the 900 events of run-1 (agent-runs 1.1.0), secret-to-egress"
    events = '''
    {"at": 0, "kind": "file/open", "file.path": "/k"}
    '''
    fires = ["1"]
    <BLANKLINE>
    """
    lines = ["[[case]]", f"name = {_string(_name(witness, dataset))}"]
    if rule:
        lines.append(f"rule = {_string(rule)}")
    lines += ["events = '''", *map(_line, witness.events), "'''", f"fires = {json.dumps(list(fires))}", ""]
    return "\n".join(lines)


def _name(witness: Witness, dataset: str) -> str:
    release = f" ({dataset})" if dataset else ""
    some = f"{len(witness.events)} of the {witness.of:,} events of {witness.recording}{release}"
    if not witness.but:
        return f"fires: {some}, {witness.story}"
    return f"does not fire, as {witness.but}: {some}, the benign twin of {witness.story}"


def _line(event: Event) -> str:
    told: dict[str, Any] = {"at": _seconds(integer(event, "@timestamp"))}
    told["kind"] = f"{event['event.category']}/{event['event.action']}"
    names = [name for name in event if name not in {*REQUIRED, "event.id"}]
    for name in [*(name for name in _FIRST if name in names), *sorted(set(names).difference(_FIRST))]:
        value = event[name]
        told[name] = format_timestamp(value) if name in TIMESTAMPS and isinstance(value, int) else value
    return json.dumps(told).replace("'''", "\\u0027''").replace("\x7f", "\\u007f")


def _seconds(nanoseconds: int) -> int | float:
    return nanoseconds / _SECOND if nanoseconds % _SECOND else nanoseconds // _SECOND


def _string(text: str) -> str:
    """Write a basic string of TOML; JSON's escapes are TOML's."""
    return json.dumps(printable(text), ensure_ascii=False)
