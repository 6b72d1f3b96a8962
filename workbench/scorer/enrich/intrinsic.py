"""Intrinsic risk: how dangerous an action is by itself, by a table of actions, paths and destinations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from workbench.scorer.enrich.globs import GlobTable

Entry = Mapping[str, Any]
_NONE: frozenset[int] = frozenset()


class _Action:
    """The entries of one action, by their numbers: the lower, the heavier."""

    def __init__(
        self, entries: Sequence[Entry], numbers: frozenset[int], tables: Mapping[str, GlobTable]
    ) -> None:
        self._entries = entries
        self._numbers = numbers
        self._tests = [
            (field, table.known, frozenset(n for n in numbers if field not in entries[n].get("match", {})))
            for field, table in tables.items()
            if any(field in entries[n].get("match", {}) for n in numbers)
        ]

    def heaviest(self, event: Mapping[str, Any]) -> Entry | None:
        """Give the heaviest entry of which every field has a value that one of its globs matches."""
        applying = self._numbers
        for field, known, indifferent in self._tests:
            value = event.get(field)
            if value is None:
                matching = _NONE
            elif isinstance(value, list):
                matching = frozenset(number for item in value for number in known[item])
            else:
                matching = known[str(value)]
            if not matching and not indifferent:
                return None
            applying &= matching | indifferent
        return self._entries[min(applying)] if applying else None


class Intrinsic:
    """Adds risk.intrinsic and risk.reason by the registry's table: the highest risk that applies.

    An entry applies to the actions it names, written `category/action`, when each field under its `match` has
    a value that one of the field's globs matches; of a list of strings one element is enough.
    """

    evicted = 0

    def __init__(self, registry: Mapping[str, Any]) -> None:
        entries = sorted(registry["entries"], key=lambda entry: -int(entry["risk"]))
        tables = {
            field: GlobTable(
                (glob, number)
                for number, entry in enumerate(entries)
                for glob in entry.get("match", {}).get(field, ())
            )
            for field in sorted({field for entry in entries for field in entry.get("match", {})})
        }
        of_action: dict[tuple[str, ...], set[int]] = {}
        for number, entry in enumerate(entries):
            for action in entry["actions"]:
                of_action.setdefault(tuple(action.split("/")), set()).add(number)
        self.kinds = {
            action: _Action(entries, frozenset(numbers), tables) for action, numbers in of_action.items()
        }

    def apply(self, event: dict[str, Any]) -> None:
        """Add risk.intrinsic (0 to 100) and risk.reason where the table has an entry for the event."""
        action = self.kinds.get((event["event.category"], event["event.action"]))
        if action is None or "risk.intrinsic" in event:
            return
        entry = action.heaviest(event)
        if entry is not None:
            event["risk.intrinsic"] = entry["risk"]
            event["risk.reason"] = entry["reason"]

    def anew(self) -> Self:
        """Give this stage: it remembers nothing."""
        return self

    def snapshot(self) -> dict[str, Any]:
        """Give the state as plain data: there is none."""
        return {}

    def restore(self, data: Mapping[str, Any]) -> None:
        """Take up the state that `snapshot` gave: there is none."""
