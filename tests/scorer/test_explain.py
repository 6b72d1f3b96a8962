"""Why a rule fired on an event, or which condition of which step stopped it."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.errors import InputError, RuleError
from workbench.pack import build_payload
from workbench.rule.document import parse_documents
from workbench.rule.ruleset import from_documents
from workbench.scorer import Scorer
from workbench.scorer.explain import explain_event

RULES = """
title: Upload
name: upload
logsource: {category: process_creation}
detection:
  tool: {Image|endswith: [/curl, /wget, /scp]}
  quiet: {User: backup}
  condition: tool and not quiet
---
title: Read
name: read
logsource: {category: file_access}
detection: {key: {TargetFilename|contains|all: [/.ssh/, id_]}, condition: key}
---
title: Audited
name: audited
logsource: {product: linux, service: auditd}
detection: {run: {type: EXECVE, a0: nc}, condition: run}
---
title: Read, then upload
name: chain
correlation: {type: temporal_ordered, rules: [read, upload], timespan: 10s, generate: true}
"""


def event(at: float, kind: str, **fields: Any) -> dict[str, Any]:
    category, action = kind.split("/")
    named = {name.replace("__", "."): value for name, value in fields.items()}
    return {
        "@timestamp": int(at * 1e9),
        "event.id": str(at),
        "event.category": category,
        "event.action": action,
        "gen_ai.conversation.id": "s",
        **named,
    }


READ = event(1, "file/read", file__path="/home/dev/.ssh/id_rsa")
SEND = event(2, "process/exec", process__executable="/usr/bin/curl")


def explain(events: list[dict[str, Any]], rule: str = "", rules: str = RULES) -> list[str]:
    errors: list[RuleError] = []
    ruleset = from_documents(parse_documents(rules, "rules", errors), errors=errors)
    scorer = Scorer.from_payload(build_payload(ruleset, "test", "1"))
    return list(explain_event(scorer, events, events[-1]["event.id"], rule))


def test_what_made_a_rule_match_is_told() -> None:
    assert explain([SEND], "upload") == [
        "Upload: matches event 2",
        "  yes process.executable ends with '/curl' (it is '/usr/bin/curl')",
        "  yes not: user.name is 'backup' (the event has no such field)",
    ]


def test_what_makes_findings_is_told_before_what_is_a_step() -> None:
    own = """
title: Any read
logsource: {category: file_access}
detection: {file: {TargetFilename|exists: true}, condition: file}
"""
    mark = own.replace("Any read", "Mark") + "workbench: {label: secret}"
    silent = RULES.replace(", generate: true", "")
    told = [line for line in explain([READ], rules=f"{silent}---\n{own}---\n{mark}") if line[0] != " "]
    assert told == [
        "Any read: matches event 1",
        "Read: matches event 1 (as a step of 'Read, then upload', with no finding of its own)",
        "Mark: matches event 1 (labels data secret, with no finding of its own)",
    ]


def test_a_list_of_which_no_value_fits_is_one_line() -> None:
    assert explain([{**SEND, "process.executable": "/usr/bin/git"}], "upload") == [
        "Upload: does not match event 2",
        "  no  process.executable ends with one of '/curl', '/wget', '/scp' (it is '/usr/bin/git')",
    ]


def test_only_what_stopped_it_is_told() -> None:
    assert explain([{**SEND, "user.name": "backup"}], "upload") == [
        "Upload: does not match event 2",
        "  no  not: user.name is 'backup' (it is 'backup')",
    ]


def test_of_values_that_are_all_wanted_the_missing_ones_are_told() -> None:
    assert explain([{**READ, "file.path": "/home/dev/.ssh/config"}], "read") == [
        "Read: does not match event 1",
        "  no  file.path contains 'id_' (it is '/home/dev/.ssh/config')",
    ]


def test_another_kind_of_event_is_told() -> None:
    looks = "  it looks at process/exec that did not fail; this event is "
    assert explain([READ], "upload")[1] == looks + "file/read"
    assert explain([{**SEND, "event.outcome": "failure"}], "upload")[1] == looks + "process/exec that failed"


def test_the_closest_record_of_auditd_is_told() -> None:
    run = {**SEND, "process.args": ["curl", "x"]}
    assert explain([run], "audited")[1:] == ["  no  a0 is 'nc' (it is 'curl')"]


def test_a_chain_tells_the_events_behind_it() -> None:
    told = explain([READ, SEND], "chain")
    assert told[0] == "Read, then upload: fired on event 2"
    assert told[1].endswith("within 10 s: events 1, 2")


def test_a_chain_tells_the_step_that_stopped_it() -> None:
    assert explain([SEND], "chain")[:3] == [
        "Read, then upload: did not fire on event 2",
        "  step 1, Read: no event has matched",
        "    Read: does not match event 2",
    ]


def test_a_chain_tells_that_a_step_is_too_long_ago() -> None:
    late = {**SEND, "@timestamp": int(30e9)}
    assert explain([READ, late], "chain")[1:] == [
        "  step 1, Read: last matched by event 1, 29 s before, longer ago than the timespan of 10 s",
        "  step 2, Upload: this event matches",
    ]


def test_a_chain_tells_that_a_step_was_in_another_session() -> None:
    other = {**SEND, "gen_ai.conversation.id": "t"}
    assert explain([READ, other], "chain")[1].endswith("1 s before, in session 's'")


def test_without_a_rule_those_that_matched_are_told() -> None:
    told = "\n".join(explain([READ, SEND]))
    assert "Upload: matches" in told
    assert "Read, then upload: fired" in told


def test_an_event_that_nothing_matches_is_told() -> None:
    assert explain([event(1, "process/exit")]) == [
        "no rule matches event 1; name one with --rule to see what stopped it"
    ]


def test_an_unknown_rule_or_event_is_refused() -> None:
    with pytest.raises(InputError, match="no rule 'nope'"):
        explain([READ], "nope")


MORE = """
title: Out
name: out
logsource: {category: network_connection}
detection: {port: {DestinationPort: 443}, condition: port}
---
title: Read
name: read
logsource: {category: file_access}
detection: {key: {TargetFilename|endswith: id_rsa}, condition: key}
workbench: {label: secret}
---
title: Approval
name: approval
logsource: {category: agent_activity}
detection: {s: {event.action: approval}, condition: s}
---
title: Chain
name: chain
correlation: {type: temporal_ordered, rules: [read, out], timespan: 1m}
---
title: Unapproved
name: unapproved
correlation: {type: temporal_ordered, rules: [read, out], timespan: 1m}
workbench: {absent: [approval]}
---
title: Unless approved
name: unless
correlation: {type: temporal, condition: read and out and not approval, timespan: 1m}
---
title: Descended
name: descended
correlation: {type: temporal_ordered, rules: [read, out], timespan: 1m}
workbench: {linked_by: lineage}
---
title: Sent
name: sent
correlation: {type: temporal_ordered, rules: [read, out], timespan: 1m}
workbench: {linked_by: provenance}
---
title: In one call
name: call
correlation: {type: temporal_ordered, rules: [read, out], timespan: 1m}
workbench: {linked_by: tool_call}
---
title: Many
name: many
correlation: {type: event_count, rules: [out], timespan: 1m, group-by: [DestinationIp], condition: {gte: 2}}
---
title: Same port
name: port
correlation: {type: temporal, rules: [approval, out], timespan: 1m, group-by: [DestinationPort, User]}
---
title: Many, then approval
name: outer
correlation: {type: temporal_ordered, rules: [many, approval], timespan: 5m}
"""


def more(rule: str, event_id: str, *events: dict[str, Any]) -> list[str]:
    errors: list[RuleError] = []
    ruleset = from_documents(parse_documents(MORE, "rules", errors), errors=errors)
    scorer = Scorer.from_payload(build_payload(ruleset, "test", "1"))
    return list(explain_event(scorer, list(events), event_id, rule))


KEY = event(1, "file/read", file__path="/k/id_rsa", process__entity_id="p1", gen_ai__tool__call__id="c1")
OUT = event(
    3,
    "network/connect",
    destination__port=443,
    destination__ip="203.0.113.7",
    process__entity_id="p2",
    gen_ai__tool__call__id="c2",
)
MINE = {**OUT, "process.entity_id": "p1"}
AGAIN = {**OUT, "@timestamp": int(5e9), "event.id": "5"}
YES = event(4, "agent/approval")
EARLY = event(2, "agent/approval")


@pytest.mark.parametrize(
    ("rule", "events", "line"),
    [
        ("descended", [KEY, OUT], "by a process that is no ancestor of this event's"),
        ("sent", [KEY, OUT], "the data that this event's process holds did not come by it"),
        ("call", [KEY, OUT], "in tool call 'c1', not 'c2'"),
        ("unapproved", [KEY, EARLY, OUT], "to be absent, Approval: last matched by event 2, 1 s before"),
        ("unapproved", [KEY, OUT, YES], "to be absent, Approval: matched by event 4, 1 s after"),
        ("unless", [KEY, EARLY, OUT], "step 3, not Approval: last matched by event 2, 1 s before"),
        ("many", [OUT], "event_count is 1 within 1 min, wanted gte 2"),
        ("port", [YES, {**OUT, "event.id": "3"}], "no destination.port to group by"),
    ],
)
def test_what_kept_a_correlation_from_firing_is_told(
    rule: str, events: list[dict[str, Any]], line: str
) -> None:
    told = more(rule, "3", *events)
    assert told[0].endswith("did not fire on event 3")
    assert any(one.endswith(line) for one in told), told


def test_what_is_tied_together_fires() -> None:
    for rule in ("descended", "sent", "chain"):
        assert "fired on event 3" in more(rule, "3", KEY, MINE)[0]


def test_an_absence_is_told_of_the_event_that_it_was_waited_for_from() -> None:
    told = more("unapproved", "3", KEY, OUT)
    assert told == [
        "Unapproved: fired on event 3, when its window had closed",
        "  because read → out within 1 min, without Approval: events 1, 3",
    ]
    assert told[0] in more("", "3", KEY, OUT)


def test_an_early_step_tells_what_came_of_it() -> None:
    assert more("chain", "1", KEY, OUT)[-1] == "  it fired later, on event 3, with this one as evidence"


def test_what_was_used_up_is_told() -> None:
    assert "used up when the rule fired on event 3" in more("chain", "5", KEY, OUT, AGAIN)[1]


def test_a_count_that_held_already_is_told() -> None:
    third = {**OUT, "@timestamp": int(6e9), "event.id": "6"}
    told = more("many", "6", OUT, AGAIN, third)
    assert "event_count is 3 or more: it fired when it came to be gte 2" in told[-1]


def test_a_correlation_that_is_a_step_is_told_to_have_fired() -> None:
    told = more("many", "5", OUT, AGAIN)
    assert told[0] == "Many: fired on event 5 (as a step of others, with no finding of its own)"
    assert more("outer", "5", OUT, AGAIN)[1] == "  step 1, Many: this event matches"
    assert "  step 1, Many: no event has matched" in more("outer", "3", OUT, AGAIN)


def test_an_event_that_is_no_step_tells_what_each_step_looks_at() -> None:
    told = more("chain", "2", KEY, EARLY)
    assert "    Out: does not match event 2" in told
    assert told.count("      it looks at network/connect, network/accept; this event is agent/approval") == 1
