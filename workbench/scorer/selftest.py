"""A pack's self-test: the vectors that it carries must give the findings that it says they give."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from workbench.errors import WorkbenchError
from workbench.event import Event, check_event
from workbench.scorer.scorer import Scorer


def fires(scorer: Scorer, events: Iterable[Event]) -> list[str]:
    """Give the ids of the rules that fire on events when a pack has seen nothing else, sorted."""
    fresh = scorer.anew()
    found = [finding.rule_id for event in events for finding in fresh.score(event)]
    return sorted(found + [finding.rule_id for finding in fresh.close()])


def self_test(scorer: Scorer) -> list[str]:
    """Give the faults of a pack's own vectors, none when it has none.

    `evidence.vectors` is a list of maps: `name`, `events` (as JSON) and `findings`, the rules that must fire.
    """
    vectors = scorer.payload.evidence.get("vectors", [])
    if not isinstance(vectors, list):
        return ["vectors is not a list"]
    return [fault for vector in vectors if (fault := _fault(scorer, vector))]


def _fault(scorer: Scorer, vector: Any) -> str:
    try:
        found = fires(scorer, map(check_event, vector["events"]))
        wanted = sorted(vector["findings"])
    except (KeyError, TypeError, ValueError, AttributeError, WorkbenchError) as error:
        return f"a vector is malformed: {error!r}"
    if found != wanted:
        return f"vector {str(vector.get('name', ''))[:80]}: fires {found}, not {wanted}"
    return ""
