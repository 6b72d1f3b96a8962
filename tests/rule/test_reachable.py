"""A condition said to hold of no event holds of none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scorer import strategies
from workbench.errors import RuleError
from workbench.rule.document import parse_documents
from workbench.rule.lower import lower, lower_all
from workbench.rule.reachable import can_fire
from workbench.rule.ruleset import from_documents
from workbench.scorer.matcher import Matcher
from workbench.scorer.plan import Plan, Predicate, Rule, decode_plan


@given(st.lists(strategies.predicates, min_size=1, max_size=6), strategies.conditions(6), strategies.events)
def test_what_matches_can(predicates: list[Predicate], condition: Any, event: dict[str, Any]) -> None:
    if max(Plan((), ()).leaves(condition)) >= len(predicates):
        return
    rule = Rule("r", "R", kinds=("process/exec", "file/open"), condition=condition)
    plan = Plan(tuple(predicates), (rule,))
    if Matcher(plan, [0]).match(event):
        assert can_fire(plan, rule)


def reached(logsource: str, *selections: str, condition: str) -> bool:
    named = ", ".join(f"s{number}: {{{items}}}" for number, items in enumerate(selections, 1))
    text = f"title: T\nlogsource: {{{logsource}}}\ndetection: {{{named}, condition: '{condition}'}}\n"
    plan = decode_plan(lower(from_documents(parse_documents(text, "r.yml", []))))
    return can_fire(plan, plan.rules[0])


@pytest.mark.parametrize(
    ("selections", "condition"),
    [
        (["Image: a"], "s1 and not s1"),
        (["Image: a", "Image: b"], "s1 and s2"),
        (["Image: [a, b]", "Image: [b, c]"], "all of s* and not 1 of s*"),
        (["Image|all: [/bin/sh, /bin/ls]"], "s1"),
        (["Image|endswith: /sh", "Image: /bin/sh"], "s2 and not s1"),
        (["Image|endswith: /sh", "Image|endswith: /ls"], "s1 and s2"),
        (["Image|startswith: /a", "Image|startswith: /b"], "s1 and s2"),
        (["CommandLine|contains: abc", "CommandLine|contains: B"], "s1 and not s2"),
        (["Image: null", "Image: a"], "s1 and s2"),
        (["Image|exists: false", "Image|contains: a"], "s1 and s2"),
        (["ProcessId|gt: 5", "ProcessId|lt: 5"], "s1 and s2"),
        (["ProcessId: 5", "ProcessId|lt: 5"], "s1 and s2"),
        (["event.category: network"], "s1"),
    ],
)
def test_contradictions_are_seen(selections: list[str], condition: str) -> None:
    assert not reached("category: process_creation", *selections, condition=condition)


@pytest.mark.parametrize(
    ("selections", "condition"),
    [
        (["Image: [a, b]", "Image: [b, c]"], "all of s*"),
        (["ProcessArgs: a", "ProcessArgs: b"], "s1 and s2"),
        (["Image|endswith: /sh", "Image|endswith: /bin/sh"], "s1 and s2"),
        (["Image|startswith: /a", "Image|startswith: /b"], "s1 or s2"),
        (["Image|cased: SH", "Image: sh"], "s1 and s2"),
        (["ProcessId|gte: 5", "ProcessId|lte: 5"], "s1 and s2"),
        (["event.action: exec"], "s1"),
    ],
)
def test_what_can_hold_is_let_be(selections: list[str], condition: str) -> None:
    assert reached("category: process_creation", *selections, condition=condition)


def test_what_is_too_large_to_search_is_let_be() -> None:
    values = ", ".join(f"v{number}" for number in range(1_200))
    assert reached("category: process_creation", f"CommandLine|contains|all: [{values}]", condition="s1")
    assert reached("category: process_creation", f"CommandLine: [{values}]", condition="not s1")


def test_a_record_of_auditd_has_one_type_but_a_call_by_name_and_number() -> None:
    source = "product: linux, service: auditd"
    assert not reached(source, "type: PATH", "type: EXECVE", condition="s1 and s2")
    assert reached(source, "syscall: execve", "syscall: 59", condition="s1 and s2")


@pytest.mark.parametrize(
    ("condition", "possible"),
    [
        ("gte: 0", True),
        ("lte: 1", True),
        ("lt: 1", False),
        ("eq: 0", False),
        ("eq: 1.5", False),
        ("neq: 1", True),
    ],
)
def test_a_count_is_one_at_least(condition: str, possible: bool) -> None:
    text = (
        "title: T\nname: t\nlogsource: {category: process_creation}\n"
        "detection: {s: {Image: a}, condition: s}\n"
        "---\ntitle: C\n"
        f"correlation: {{type: event_count, rules: [t], timespan: 1m, condition: {{{condition}}}}}\n"
    )
    plan = decode_plan(lower(from_documents(parse_documents(text, "r.yml", []))))
    assert can_fire(plan, plan.rules[1]) is possible


AUDIT = "product: linux, service: auditd"


@pytest.mark.parametrize(
    ("logsource", "selections", "condition"),
    [
        ("category: process_creation", ["LogonId: 0", "Image: a"], "s1 and s2"),
        (AUDIT, ["type: SYSCALL, SYSCALL: init_module"], "s1"),
        (AUDIT, ["type: SYSCALL, syscall: 175"], "s1"),
        (AUDIT, ["type: SYSCALL, SYSCALL: connect, a0: 38"], "s1"),
        (AUDIT, ["type: EXECVE", "exe: /bin/sh"], "s1 and s2"),
        (AUDIT, ["type: USER_LOGIN"], "s1"),
        (AUDIT, ["tty: pts0"], "s1"),
    ],
)
def test_what_no_source_sees_is_not_reached(logsource: str, selections: list[str], condition: str) -> None:
    assert not reached(logsource, *selections, condition=condition)


@pytest.mark.parametrize(
    ("selections", "condition"),
    [
        (["type: EXECVE, a0: sh, a12: x"], "s1"),
        (["type: SYSCALL, syscall: 59"], "s1"),
        (["SYSCALL: execve, exe|endswith: sh"], "s1"),
        (["tty: pts0", "proctitle|contains: x"], "s1 or s2"),
        (["a", "type: EXECVE"], "s2"),
    ],
)
def test_what_a_record_holds_is_reached(selections: list[str], condition: str) -> None:
    assert reached(AUDIT, *selections, condition=condition)


def test_a_rule_that_cannot_fire_may_leave_out_what_no_source_sees() -> None:
    text = """title: T
logsource: {product: linux, service: auditd}
detection:
  call: {type: SYSCALL, SYSCALL: %s}
  root: {auid: 0}
  condition: call and not root
"""
    errors: list[RuleError] = []
    for call, faults in (("socket", 0), ("connect", 1)):
        ruleset = from_documents(parse_documents(text % call, "r.yml", errors))
        assert len(lower_all(ruleset)[1]) == faults
