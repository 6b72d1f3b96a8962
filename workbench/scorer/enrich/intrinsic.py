"""Intrinsic risk: how dangerous an action is by itself, by a table of actions, paths and destinations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from workbench.scorer.enrich.globs import glob_matcher


class Intrinsic:
    """Adds risk.intrinsic and risk.reason by the registry's table: the highest risk that applies.

    An entry applies to the actions it names, written `category/action`, when each field under its `match` has
    a value that one of the field's globs matches; of a list of strings one element is enough.
    """

    evicted = 0

    def __init__(self, registry: Mapping[str, Any]) -> None:
        self._by_action: dict[str, list[tuple[list[tuple[str, Callable[[str], bool]]], int, str]]] = {}
        for entry in sorted(registry["entries"], key=lambda entry: -int(entry["risk"])):
            tests = [(field, glob_matcher(globs)) for field, globs in entry.get("match", {}).items()]
            for action in entry["actions"]:
                self._by_action.setdefault(action, []).append((tests, entry["risk"], entry["reason"]))

    def apply(self, event: dict[str, Any]) -> None:
        """Add risk.intrinsic (0 to 100) and risk.reason where the table has an entry for the event."""
        entries = self._by_action.get(f"{event['event.category']}/{event['event.action']}")
        if entries is None or "risk.intrinsic" in event:
            return
        for tests, risk, reason in entries:
            if all(_applies(event.get(field), matches) for field, matches in tests):
                event["risk.intrinsic"] = risk
                event["risk.reason"] = reason
                return

    def snapshot(self) -> dict[str, Any]:
        """Give the state as plain data: there is none."""
        return {}

    def restore(self, data: Mapping[str, Any]) -> None:
        """Take up the state that `snapshot` gave: there is none."""


def _applies(value: Any, matches: Callable[[str], bool]) -> bool:
    if value is None:
        return False
    if isinstance(value, list):
        return any(matches(item) for item in value)
    return matches(value if isinstance(value, str) else str(value))
