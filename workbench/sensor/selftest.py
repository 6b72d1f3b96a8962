"""A pack's self-test: the vectors that it carries must give the findings that it says they give."""

from __future__ import annotations

from typing import Any

from workbench.errors import WorkbenchError
from workbench.event import check_event
from workbench.scorer import Scorer
from workbench.scorer.payload import Payload


def self_test(payload: Payload) -> list[str]:
    """Give the faults of a pack's own vectors, none when it has none.

    `evidence.vectors` is a list of maps: `name`, `events` (as JSON) and `findings`, the rules that must fire.
    """
    vectors = payload.evidence.get("vectors", [])
    if not isinstance(vectors, list):
        return ["vectors is not a list"]
    return [fault for vector in vectors if (fault := _fault(payload, vector))]


def _fault(payload: Payload, vector: Any) -> str:
    try:
        scorer = Scorer(payload)
        events = [check_event(event) for event in vector["events"]]
        found = [finding.rule_id for event in events for finding in scorer.score(event)]
        found += [finding.rule_id for finding in scorer.close()]
        wanted = list(vector["findings"])
    except (KeyError, TypeError, ValueError, AttributeError, WorkbenchError) as error:
        return f"a vector is malformed: {error!r}"
    if sorted(found) != sorted(wanted):
        return f"vector {str(vector.get('name', ''))[:80]}: fires {sorted(found)}, not {sorted(wanted)}"
    return ""
