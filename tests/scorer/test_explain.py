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


def explain(events: list[dict[str, Any]], rule: str = "") -> list[str]:
    errors: list[RuleError] = []
    ruleset = from_documents(parse_documents(RULES, "rules", errors), errors=errors)
    scorer = Scorer.from_payload(build_payload(ruleset, "test", "1"))
    return list(explain_event(scorer, events, events[-1]["event.id"], rule))


def test_what_made_a_rule_match_is_told() -> None:
    assert explain([SEND], "upload") == [
        "Upload: matches event 2",
        "  yes process.executable ends with '/curl' (it is '/usr/bin/curl')",
        "  yes not: user.name is 'backup' (the event has no such field)",
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
