"""Repeated sessions are new ones, in order; the gate's figures come from every call."""

from __future__ import annotations

from workbench.evaluate.latency import measure, repeat_sessions
from workbench.event import Value, order
from workbench.pack import build_payload
from workbench.rule.ruleset import RuleSet
from workbench.scorer import Scorer

SESSION: list[dict[str, Value]] = [
    {
        "@timestamp": 1_000 + number,
        "event.sequence": number,
        "event.category": "process",
        "event.action": "exec",
        "process.entity_id": f"e{number}",
        "gen_ai.conversation.id": "s",
    }
    for number in range(5)
]
OTHER = [event | {"@timestamp": 500, "gen_ai.conversation.id": "t"} for event in SESSION]


def test_repeats_come_one_after_another_under_new_names() -> None:
    events = list(repeat_sessions([SESSION, OTHER], 23))
    assert len(events) == 23
    assert [event["@timestamp"] for event in events] == sorted(event["@timestamp"] for event in events)
    assert len({event["gen_ai.conversation.id"] for event in events}) == 5
    assert sorted(events[:5], key=order) == events[:5]


def test_every_event_is_timed() -> None:
    scorer = Scorer.from_payload(build_payload(RuleSet((), {}), "empty", "1"))
    measured = measure(scorer, repeat_sessions([SESSION], 17))
    assert len(measured.nanoseconds) == 17
    assert measured.findings == 0
    assert measured.summary()["max"] >= measured.summary()["p50"] > 0
    assert measured.by_the_clock()["mean"] >= measured.summary()["mean"]
