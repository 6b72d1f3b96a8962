"""A condition said to hold of no event holds of none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scorer import strategies
from workbench.rule.document import parse_documents
from workbench.rule.lower import lower
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
