"""The reason a person and an agent can read when something was blocked."""

from __future__ import annotations

from workbench.event import Event
from workbench.printable import printable_line
from workbench.scorer import Finding
from workbench.sensor.containment import Contained

_SHOWN = 200
_OBJECTS = ("file.path", "destination.domain", "destination.ip", "dns.question.name", "process.command_line")


def plain(text: object, most: int = _SHOWN) -> str:
    r"""Make chosen text harmless to show: on one line, what is not printable escaped, cut.

    >>> plain("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    shown = printable_line(str(text)[: most + 1])
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def act_of(event: Event) -> str:
    """Tell in a few words what an event was.

    >>> act_of({"event.category": "network", "event.action": "connect", "destination.ip": "192.0.2.1"})
    'network connect 192.0.2.1'
    """
    thing = next((event[name] for name in _OBJECTS if event.get(name)), "")
    return f"{event.get('event.category', '')} {event.get('event.action', '')} {plain(thing)}".strip()


def reason(finding: Finding, event: Event, done: str = "stopped") -> str:
    """Tell the agent why its command was stopped or denied, in one line, and what it may do.

    The rule's conditions are left out: they would tell how to get around it.
    """
    return (
        f"[agent-detection-workbench] This command was {done} by policy: {plain(finding.rule_title)} "
        f"({act_of(event)}). Do not retry it or work around it; tell the user. Rule {plain(finding.rule_id)}."
    )


def account(finding: Finding, events: list[Event], contained: Contained) -> dict[str, object]:
    """Tell what was prevented and what had already happened, for the audit log."""
    return {
        "rule": finding.rule_id,
        "means": contained.means,
        "killed": contained.killed,
        "refused": contained.refused,
        "gone_before": contained.gone,
        "reason_told": contained.told,
        "prevented": "whatever these processes would have done after the signal",
        "already_happened": [act_of(event) for event in events],
    }
