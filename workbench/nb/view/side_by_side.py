"""A run beside its twin, tool call by tool call: what is the same, and what only one of them did."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import SequenceMatcher

import msgspec

from workbench.event import Event
from workbench.nb.view.figure import cut
from workbench.nb.view.page import lines, page
from workbench.nb.view.plain import plain
from workbench.printable import printable

SHOWN = 200
_BEFORE = "before any tool call"
_LISTED = 6


@dataclass
class _Call:
    command: str
    events: int = 0
    programs: dict[str, None] = field(default_factory=dict)
    hosts: dict[str, None] = field(default_factory=dict)
    labels: dict[str, None] = field(default_factory=dict)

    def told(self) -> str:
        parts = [cut(printable(self.command), 160), f"{self.events} events"]
        for name, values in (("ran", self.programs), ("reached", self.hosts), ("held", self.labels)):
            if values:
                more = f" … {len(values) - _LISTED} more" if len(values) > _LISTED else ""
                parts.append(
                    f"{name} {', '.join(printable(value) for value in list(values)[:_LISTED])}{more}"
                )
        return "\n".join(parts)


class SideBySide:
    """Two runs' tool calls, aligned on the command; a call that only one run has is marked.

    Takes enriched events, so that labels of data show. Shows at most `SHOWN` calls and says so.
    """

    def __init__(
        self, left: Iterable[Event], right: Iterable[Event], names: tuple[str, str] = ("run", "twin")
    ) -> None:
        self.names = names
        self.rows = list(_align(_calls(left), _calls(right)))

    def _marks(self) -> Iterable[tuple[str, str, str]]:
        for one, other in self.rows[:SHOWN]:
            mark = "=" if one and other else "◀" if one else "▶"
            yield (one.told() if one else ""), mark, (other.told() if other else "")

    def _title(self) -> str:
        same = sum(1 for one, other in self.rows if one and other)
        more = f", the first {SHOWN} shown" if len(self.rows) > SHOWN else ""
        return f"{same} tool calls in both, {len(self.rows) - same} in one only{more}"

    def __repr__(self) -> str:
        """Give a line for each call."""
        told = [f"{mark} {(one or other).partition(chr(10))[0]}" for one, mark, other in self._marks()]
        return "\n".join([self._title(), *told])

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><td class="{"bad" if mark == "◀" else ""}">{lines(one)}</td><td>{mark}</td>'
            f'<td class="{"bad" if mark == "▶" else ""}">{lines(other)}</td></tr>'
            for one, mark, other in self._marks()
        )
        left, right = (plain(name) for name in self.names)
        heads = f"<caption>{self._title()}</caption><tr><th>{left}</th><th></th><th>{right}</th></tr>"
        return page(f"<table>{heads}{rows}</table>", "run beside its twin")


def _calls(events: Iterable[Event]) -> list[_Call]:
    calls: dict[str, _Call] = {"": _Call(_BEFORE)}
    for event in events:
        name = str(event.get("gen_ai.tool.call.id", ""))
        call = calls.setdefault(name, _Call(name))
        if event["event.action"] == "tool_call":
            call.command = _command(event) or name
        call.events += 1
        if event["event.action"] == "exec":
            call.programs[str(event.get("process.name", "?"))] = None
        if event["event.category"] == "network":
            host = event.get("destination.domain") or event.get("dns.question.name")
            if host and event.get("destination.class") != "loopback":
                call.hosts[str(host)] = None
        labels = event.get("provenance.labels")
        call.labels.update(dict.fromkeys(labels if isinstance(labels, list) else []))
    return [call for call in calls.values() if call.events]


def _command(event: Event) -> str:
    """Give what the tool was asked for: the one argument when it has one, else all as they are."""
    told = str(event.get("gen_ai.tool.call.arguments") or event.get("gen_ai.tool.name", ""))
    try:
        arguments = msgspec.json.decode(told.encode(), type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeEncodeError):
        return told
    return str(*arguments.values()) if len(arguments) == 1 else told


def _align(left: list[_Call], right: list[_Call]) -> Iterable[tuple[_Call | None, _Call | None]]:
    matcher = SequenceMatcher(
        a=[call.command for call in left], b=[call.command for call in right], autojunk=False
    )
    for tag, i, j, k, m in matcher.get_opcodes():
        if tag == "equal":
            yield from zip(left[i:j], right[k:m], strict=True)
        else:
            yield from ((call, None) for call in left[i:j])
            yield from ((None, call) for call in right[k:m])
