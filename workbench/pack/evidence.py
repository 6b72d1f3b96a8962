"""Evidence: the digests of what went into a pack, and vectors that it must pass wherever it runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from workbench.errors import InputError
from workbench.event import Event, to_json
from workbench.rule.beside import cases_beside
from workbench.rule.ruleset import RuleSet
from workbench.rule.vectors import read_case_events, read_cases
from workbench.scorer import Scorer
from workbench.scorer.selftest import fires


def digests(ruleset: RuleSet, baselines: Iterable[Path] = ()) -> dict[str, Any]:
    """Give the SHA-256 of each rule file by rule id, and of each baseline by file name."""
    files = {rule.id: Path(rule.document.path) for rule in ruleset.rules}
    return {
        "rules": {name: _digest(file) for name, file in files.items() if file.is_file()},
        "baselines": {file.name: _digest(file) for file in baselines},
    }


def _digest(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest()


def vectors_of(ruleset: RuleSet, payload: bytes) -> list[dict[str, Any]]:
    """Give the tests beside rules as `name`, `events` (JSON) and `findings`: which rules of the pack fire.

    A sensor runs them before it takes the pack up. Raises InputError for a test that cannot be read.
    """
    scorer = Scorer.from_payload(payload)
    return [
        {
            "name": f"{file.name}: {name}",
            "events": [msgspec.json.decode(to_json(event)) for event in events],
            "findings": fires(scorer, events),
        }
        for file in cases_beside(ruleset)
        for name, events in _cases(file)
    ]


def _cases(file: Path) -> Iterator[tuple[str, list[Event]]]:
    for case in read_cases(file):
        if case.rules:
            continue  # it is for rules of its own
        try:
            yield case.name, list(read_case_events(case.events))
        except ValueError as error:
            raise InputError(f"test {case.name!r}: {error}", place=file, mend="mend the test") from None
