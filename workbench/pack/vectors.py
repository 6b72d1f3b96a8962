"""The vectors of the pack format, as an evaluator in another language reads them.

The cases of `tests/spec/` (in an installed package `workbench/spec/`) state rules in Sigma and events in
short; here each is a plan and whole events, so that nothing but JSON has to be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from workbench.event import to_json
from workbench.rule.vectors import Case, lower_case, read_case_events, read_cases
from workbench.scorer.groups import LIMITS


def directory() -> Path:
    """Give the directory of the cases: beside the modules when installed, in `tests/` in a checkout."""
    package = Path(__file__).parents[1]
    shipped = package / "spec"
    return shipped if shipped.is_dir() else package.parent / "tests" / "spec"


def vectors() -> Iterator[dict[str, Any]]:
    """Give every case as a plain mapping; `docs/pack-format.md` tells its keys.

    >>> first = next(vectors())
    >>> first["topic"], first["name"], sorted(first["plan"])
    ('absence', 'fires when the window has closed without it', ['predicates', 'rules'])
    """
    for file in sorted(directory().glob("*.toml")):
        for case in read_cases(file):
            yield {"topic": file.stem, "name": case.name, **_vector(case)}


def _vector(case: Case) -> dict[str, Any]:
    plan, codes = lower_case(case)
    told: dict[str, Any] = {"note": case.note} if case.note else {}
    if codes:
        return {**told, "rules": case.rules, "refused": codes}
    told["plan"] = plan
    told["events"] = [msgspec.json.decode(to_json(event)) for event in read_case_events(case.events)]
    told["fires"] = case.fires
    if case.evidence is not None:
        told["evidence"] = case.evidence
    if case.limits != LIMITS:
        told["limits"] = msgspec.to_builtins(case.limits)
    if case.counts:
        told["counts"] = case.counts
    if case.restart is not None:
        told["restart"] = case.restart
    return told
