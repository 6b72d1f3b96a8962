"""Records of a kind that is not known: all are counted, and the first of them kept beside the recording."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from capture.redact import Redactor

_KINDS = 1000  # told apart; what comes after is of the kind "other"
_RECORDS = 200
_HELD, _SHOWN = 65_536, 4_000  # characters of a record: before secrets are taken out, and after


class Aside:
    """Counts what was kept aside, by kind.

    >>> aside = Aside()
    >>> aside.put("type hologram", {"type": "hologram", "password": "hunter22"})
    >>> aside.counts
    Counter({'type hologram': 1})
    >>> aside.lines(Redactor())
    [{'kind': 'type hologram', 'record': '{"type": "hologram", "password": "[redacted:keyword]"}'}]
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._records: list[tuple[str, str]] = []

    def put(self, kind: str, record: Any) -> None:
        """Keep a record, or a text that should have been one."""
        kind = characters(kind[:60])
        self.counts[kind if kind in self.counts or len(self.counts) < _KINDS else "other"] += 1
        if len(self._records) < _RECORDS:
            self._records.append((kind, characters(_text(record)[:_HELD])))

    def add(self, other: Aside) -> None:
        """Keep what another has kept."""
        self.counts.update(other.counts)
        self._records += other._records[: _RECORDS - len(self._records)]

    def lines(self, redactor: Redactor) -> list[dict[str, str]]:
        """Give the kept records for `aside.jsonl`: their kinds, and their beginnings without secrets."""
        return [{"kind": redactor.text(k), "record": redactor.url(r)[:_SHOWN]} for k, r in self._records]


def _text(record: Any) -> str:
    if isinstance(record, str):
        return record
    try:
        return json.dumps(record, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        return "too deep"


def characters(text: str) -> str:
    r"""Replace what is half a character, as JSON and the names of files may hold it.

    >>> characters("do \ud800")
    'do ?'
    """
    return text.encode(errors="replace").decode()
