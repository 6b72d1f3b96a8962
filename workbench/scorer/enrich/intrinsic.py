"""Intrinsic risk: how dangerous an action is by itself, by a table of actions, paths and destinations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.scorer.enrich.globs import GlobTable

Entry = Mapping[str, Any]


class _Action:
    """The entries of one action, heaviest first, and for each field they test a table of its globs."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries
        fields = sorted({field for entry in entries for field in entry.get("match", {})})
        self._tests = [
            (
                field,
                GlobTable(
                    (glob, number)
                    for number, entry in enumerate(entries)
                    for glob in entry.get("match", {}).get(field, ())
                ),
                frozenset(n for n, entry in enumerate(entries) if field not in entry.get("match", {})),
            )
            for field in fields
        ]
        self._all = frozenset(range(len(entries)))

    def heaviest(self, event: Mapping[str, Any]) -> Entry | None:
        applying = self._all
        for field, table, indifferent in self._tests:
            value = event.get(field)
            if isinstance(value, list):
                matching = frozenset(number for item in value for number in table.numbers(item))
            else:
                matching = table.numbers(str(value)) if value is not None else frozenset()
            applying &= matching | indifferent
            if not applying:
                return None
        return self.entries[min(applying)]


class Intrinsic:
    """Adds risk.intrinsic and risk.reason by the registry's table: the highest risk that applies.

    An entry applies to the actions it names, written `category/action`, when each field under its `match` has
    a value that one of the field's globs matches; of a list of strings one element is enough.
    """

    evicted = 0

    def __init__(self, registry: Mapping[str, Any]) -> None:
        ordered = sorted(registry["entries"], key=lambda entry: -int(entry["risk"]))
        actions = {action for entry in ordered for action in entry["actions"]}
        self._actions = {
            tuple(action.split("/")): _Action([entry for entry in ordered if action in entry["actions"]])
            for action in actions
        }

    def apply(self, event: dict[str, Any]) -> None:
        """Add risk.intrinsic (0 to 100) and risk.reason where the table has an entry for the event."""
        action = self._actions.get((event["event.category"], event["event.action"]))
        if action is None or "risk.intrinsic" in event:
            return
        entry = action.heaviest(event)
        if entry is not None:
            event["risk.intrinsic"] = entry["risk"]
            event["risk.reason"] = entry["reason"]

    def snapshot(self) -> dict[str, Any]:
        """Give the state as plain data: there is none."""
        return {}

    def restore(self, data: Mapping[str, Any]) -> None:
        """Take up the state that `snapshot` gave: there is none."""
