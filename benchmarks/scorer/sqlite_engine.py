"""pySigma's SQLite backend, a query a rule, over a table of one event, to compare with. Detections only."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

import re2
from sigma.backends.sqlite import sqliteBackend
from sigma.collection import SigmaCollection

from workbench.event import Event
from workbench.fields import FIELDS
from workbench.rule import logsource
from workbench.rule.ruleset import LoadedRule
from workbench.scorer.kind import kinds_of

_COLUMNS = {field.sigma[0]: name for name, field in FIELDS.items() if field.sigma}


class SqliteEngine:
    """Runs the rules as SQL; findings are (rule id, event id)."""

    def __init__(self, rules: Iterable[LoadedRule]) -> None:
        backend = sqliteBackend()
        self._queries = []
        for rule in rules:
            (query,) = backend.convert(SigmaCollection([rule.sigma]))
            kinds = frozenset(logsource.kinds_of(rule.sigma.logsource))
            self._queries.append((rule.id, kinds, query))
        self._base = sqlite3.connect(":memory:")
        self._base.create_function(
            "REGEXP", 2, lambda pattern, text: text is not None and re2.search(pattern, text) is not None
        )
        columns = ", ".join(f'"{name}"' for name in _COLUMNS)
        self._base.execute(f"CREATE TABLE logs ({columns})")
        marks = ", ".join("?" for _ in _COLUMNS)
        self._insert = f"INSERT INTO logs VALUES ({marks})"  # noqa: S608 - marks only

    def score(self, event: Event) -> list[tuple[str, str]]:
        """Take one event; give what fires."""
        those = kinds_of(event)
        self._base.execute("DELETE FROM logs")
        self._base.execute(self._insert, [event.get(name) for name in _COLUMNS.values()])
        return [
            (rule, str(event["event.id"]))
            for rule, kinds, query in self._queries
            if not kinds.isdisjoint(those) and self._base.execute(query).fetchone()
        ]
