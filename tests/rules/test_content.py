"""What every rule of the pack must say."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from sigma.rule import SigmaRule

from workbench.evaluate.proof import NAMED_BY_PROOF
from workbench.registry import load as load_registry
from workbench.rule import RuleSet
from workbench.rule.ruleset import LoadedRule
from workbench.rule.techniques import techniques, techniques_of
from workbench.scorer.verdict import FUSION


def reported(rules: RuleSet) -> list[LoadedRule]:
    """The rules that are findings by themselves: neither labels nor steps."""
    steps = {step.id for rule in rules.rules for step in (*rule.steps, *rule.absent)}
    return [rule for rule in rules.rules if not rule.extension.label and rule.id not in steps]


def named(rule: LoadedRule) -> list[str]:
    return techniques_of(f"{tag.namespace}.{tag.name}" for tag in rule.sigma.tags)


def test_ids_and_titles_are_unique(rules: RuleSet) -> None:
    for key in ("id", "title"):
        seen = Counter(str(rule.document.data[key]) for rule in rules.rules)
        assert max(seen.values()) == 1, seen.most_common(1)


def test_every_finding_tells_a_stranger_what_and_why_in_two_sentences(rules: RuleSet) -> None:
    for rule in reported(rules):
        sentences = re.findall(r"[^.!?]+[.!?](?:\s|$)", str(rule.sigma.description))
        assert len(sentences) == 2, rule.sigma.title


def test_every_finding_says_how_much_it_weighs_and_what_it_may_cost(rules: RuleSet) -> None:
    asked = {"signal", "risk", "response", "false_positive_budget"}
    assert not list(missing(rules, asked))


def test_every_finding_says_what_to_do_and_what_it_cannot_see(rules: RuleSet) -> None:
    assert not list(missing(rules, {"triage", "blind_spots"}))


def test_a_record_that_compliance_asks_for_makes_no_alert_of_what_an_act_weighs_by_itself(
    rules: RuleSet,
) -> None:
    """Where a file lies gives both the record and the act's own risk: that is no second sign."""
    weights = FUSION["weights"]
    own = max(entry["risk"] for entry in load_registry("intrinsic")["entries"])
    for rule in reported(rules):
        said = rule.extension
        single = isinstance(rule.sigma, SigmaRule)
        if single and said.signal == "compliance" and said.response == "audit":
            total = FUSION["bias"] + (weights["compliance"] * said.risk + weights["intrinsic"] * own) / 100
            assert total < 0, rule.sigma.title


def missing(rules: RuleSet, asked: set[str]) -> Iterator[tuple[str, set[str]]]:
    for rule in reported(rules):
        said: dict[str, Any] = rule.document.data["workbench"]
        if absent := {key for key in asked if said.get(key) in (None, "", [])}:
            yield str(rule.sigma.title), absent


def test_every_finding_has_references_and_known_false_positives(rules: RuleSet) -> None:
    for rule in reported(rules):
        assert rule.sigma.references, rule.sigma.title
        assert rule.sigma.falsepositives, rule.sigma.title


def test_every_finding_names_techniques_of_attack_and_of_atlas(rules: RuleSet) -> None:
    for rule in reported(rules):
        found = named(rule)
        assert {name.startswith("AML.") for name in found} == {True, False}, rule.sigma.title
        assert set(found) <= techniques().keys(), rule.sigma.title


def test_every_step_and_label_names_a_technique(rules: RuleSet) -> None:
    for rule in rules.rules:
        assert named(rule), rule.sigma.title


def test_every_rule_has_a_maturity_and_only_a_proved_one_more_than_the_least(rules: RuleSet) -> None:
    for rule in rules.rules:
        status = rule.document.data["status"]
        assert status in ("experimental", "test", "stable"), rule.sigma.title
        assert status == "experimental" or rule.extension.recordings, rule.sigma.title


def test_only_a_rule_with_hardly_any_false_positives_asks_for_a_block(rules: RuleSet) -> None:
    for rule in rules.rules:
        if rule.extension.response == "block":
            assert (rule.extension.false_positive_budget or 0) <= 1, rule.sigma.title


def test_names_of_recordings_are_written_by_the_proof_alone(rules: RuleSet) -> None:
    for rule in rules.rules:
        for names in (rule.extension.recordings, rule.extension.twins):
            assert len(names) <= NAMED_BY_PROOF, rule.sigma.title
