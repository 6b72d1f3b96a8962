"""Every shipped rule is fired by a case, and nothing of a witness can be spared."""

from __future__ import annotations

import pytest

from workbench.evaluate.witness.oracle import Oracle
from workbench.evaluate.witness.shortening import Shortening
from workbench.pack import build_payload
from workbench.pack.evidence import vectors_of
from workbench.registry import load_all
from workbench.rule import RuleSet
from workbench.rule.beside import Bench, cases_beside
from workbench.rule.lower import lower
from workbench.rule.vectors import read_case_events, read_cases
from workbench.scorer import Scorer
from workbench.scorer.plan import Plan, decode_plan
from workbench.scorer.selftest import self_test

EVERY = 5
"""Of so many files of cases the witnesses of one are looked at: all would take half a minute."""


@pytest.fixture(scope="module")
def plan(rules: RuleSet) -> Plan:
    return decode_plan(lower(rules))


def test_every_case_holds_and_every_rule_has_one(rules: RuleSet, plan: Plan) -> None:
    bench = Bench(plan)
    faults = [fault for file, beside in cases_beside(rules).items() for fault in bench.run_file(file, beside)]
    assert faults == []
    assert [rule.sigma.title for rule in bench.untested(rules.rules)] == []


def test_a_pack_carries_them_and_every_finding_stands_in_its_self_test(rules: RuleSet) -> None:
    """So a sensor refuses a pack in which any of these rules no longer does what it did."""
    payload = build_payload(rules, "agent-runtime", "0")
    vectors = vectors_of(rules, payload)
    scorer = Scorer.from_payload(payload)
    scorer.payload.evidence["vectors"] = vectors
    assert self_test(scorer) == []
    told = {name for vector in vectors for name in vector["findings"]}
    assert {rule.id for rule in scorer.plan.rules if not rule.silent} <= told
    spared = {"name": "none", "events": vectors[0]["events"], "findings": []}
    scorer.payload.evidence["vectors"] = [*vectors, spared]
    assert len(self_test(scorer)) == 1


def test_a_case_says_what_it_shows(rules: RuleSet) -> None:
    for file in cases_beside(rules):
        names = [(case.rule, case.name) for case in read_cases(file)]
        assert len(set(names)) == len(names), file
        assert all(len(name) > 10 for _, name in names), file


def test_no_event_and_no_field_of_a_witness_can_be_spared(rules: RuleSet, plan: Plan) -> None:
    registries = load_all()
    numbers = {rule.title: number for number, rule in enumerate(plan.rules)}
    looked_at = 0
    for file, beside in list(cases_beside(rules).items())[::EVERY]:
        loud = [rule for rule in beside if not plan.rules[numbers[rule.sigma.title]].silent]
        for case in read_cases(file):
            if case.name.startswith("fires: "):
                number = numbers[case.rule or str(loud[0].sigma.title)]
                oracle = Oracle(plan, [number], registries)
                shortening = Shortening(lambda some, o=oracle, n=number: o.fires(n, some))  # type: ignore[misc]
                events = list(read_case_events(case.events))
                assert shortening.is_least(events), f"{file.name}: {case.name}"
                looked_at += 1
    assert looked_at >= 10
