"""A rule that asks for one thing less fires on what the whole one just misses."""

from __future__ import annotations

from typing import Any

from workbench.evaluate.witness.relaxing import APART, FORBIDDEN, OTHERWISE, relax
from workbench.scorer.plan import decode_plan

CORRELATION: dict[str, Any] = {
    "type": "temporal_ordered",
    "rules": [0, 1],
    "timespan": 10**9,
    "terms": [{"every": [0, 1]}],
}
PLAN = {
    "predicates": [
        ["file.path", "equals", "/k"],
        ["process.name", "equals", "ssh"],
        ["destination.class", "equals", "external"],
        ["attribution.actor", "equals", "agent"],
    ],
    "rules": [
        {"id": "read", "title": "Key is read", "condition": ["and", 0, ["not", 1]]},
        {"id": "sent", "title": "Something is sent", "condition": ["and", 2, 3, 0]},
        {"id": "both", "title": "Both", "correlation": {**CORRELATION, "link": "lineage"}},
        {
            "id": "grouped",
            "title": "Grouped",
            "correlation": {**CORRELATION, "link": "group", "group": [["user.id"], ["user.id"]]},
        },
        {
            "id": "unless",
            "title": "Unless",
            "correlation": {**CORRELATION, "rules": [0, 0], "absent": [1]},
        },
    ],
}


def ranks(number: int) -> list[int]:
    _, relaxed = relax(decode_plan(PLAN), [number])
    return sorted(each.rank for each in relaxed)


def test_of_a_detection_what_it_forbids_and_what_few_values_tell() -> None:
    assert ranks(0) == [FORBIDDEN]
    assert ranks(1) == [OTHERWISE, OTHERWISE]  # that another file is meant says nothing


def test_of_a_correlation_what_ties_it_together_and_what_its_steps_ask_for() -> None:
    assert ranks(2) == [FORBIDDEN, OTHERWISE, OTHERWISE, APART]
    assert ranks(3) == [FORBIDDEN, OTHERWISE, OTHERWISE, APART]
    assert ranks(4) == [FORBIDDEN] * 3  # what must not follow, and twice what the step forbids


def test_the_plan_stays_one_and_its_own_rules_in_their_places() -> None:
    plan = decode_plan(PLAN)
    wider, relaxed = relax(plan, range(5))
    assert wider.rules[:5] == plan.rules
    decode_plan(wider)
    assert {wider.rules[each.number].title for each in relaxed} == {rule.title for rule in plan.rules}
    words = {each.words for each in relaxed if each.words}
    assert words == {"not the same user.id", "another process or its data", "“Something is sent”"}
