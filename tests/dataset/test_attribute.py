from __future__ import annotations

from typing import Any

from workbench.dataset.attribute import Attributed, attribute
from workbench.dataset.schema import EVENTS

START = {
    **{"@timestamp": 1, "event.category": "agent", "event.action": "session_start"},
    **{"gen_ai.conversation.id": "s1", "gen_ai.agent.name": "codex", "process.entity_id": "root"},
}


def process(action: str, entity: str, **fields: Any) -> dict[str, Any]:
    fields = {name.replace("__", "."): value for name, value in fields.items()}
    event = {"@timestamp": 2, "event.category": "process", "event.action": action}
    return {**event, "process.entity_id": entity, **fields}


def test_events_carry_session_call_and_method_and_only_stored_fields() -> None:
    events = [
        START,
        process("fork", "root", process__target__entity_id="tool", process__target__pid=5),
        process("exec", "tool", process__args=["ls"], process__env_vars=["CODEX_TOOL_CALL_ID=c1"]),
    ]
    *_, tool = attribute(events)
    assert tool["gen_ai.conversation.id"] == "s1"
    assert tool["gen_ai.tool.call.id"] == "c1"
    assert tool["attribution.method"] == "environment"
    assert set(tool) <= set(EVENTS.names)


def test_what_belongs_to_no_session_is_counted_and_kept() -> None:
    attributed = Attributed([START, process("exec", "stranger"), process("exec", "root")])
    assert len(list(attributed)) == 3
    assert attributed.unattributed == 1


def test_the_given_events_are_left_alone() -> None:
    event = process("exec", "root")
    before = dict(event)
    list(attribute([START, event]))
    assert event == before
