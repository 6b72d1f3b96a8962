"""What every rule of the pack must say, and what none may be keyed to."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
import yaml
from sigma.correlations import SigmaCorrelationRule

from workbench.rule import RuleSet
from workbench.rule.ruleset import PLACEHOLDERS

RULES = Path(__file__).parents[2] / "rules"
FILES = sorted(file for file in RULES.rglob("*.yml") if file.name != PLACEHOLDERS)
TABLES = RULES / PLACEHOLDERS

ARTEFACTS = {
    "documentation address": r"\b(192\.0\.2|198\.51\.100|203\.0\.113)\.|2001:db8",
    "documentation name": r"\bexample\.(com|org|net)\b|\.example\b|\.test\b",
    "canary": r"(?i)canary",
    "scripted model": r"(?i)scripted|dummy-key",
    "lab": r"(?i)secret-to-egress|agents-lab|fix-failing-test",
}


def reported(rules: RuleSet) -> list[dict[str, object]]:
    """The documents of rules that are findings by themselves: neither labels nor steps."""
    named = {
        str(step)
        for rule in rules.rules
        if isinstance(rule.sigma, SigmaCorrelationRule)
        for step in rule.document.data["correlation"]["rules"]
    }
    absent = {step for rule in rules.rules for step in rule.extension.absent}
    return [
        rule.document.data
        for rule in rules.rules
        if not rule.extension.label and rule.document.data.get("name") not in named | absent
    ]


def test_ids_and_titles_are_unique(rules: RuleSet) -> None:
    for key in ("id", "title"):
        seen = Counter(str(rule.document.data[key]) for rule in rules.rules)
        assert max(seen.values()) == 1, seen.most_common(1)


def test_every_rule_tells_a_stranger_what_and_why_in_two_sentences(rules: RuleSet) -> None:
    for rule in reported(rules):
        sentences = re.findall(r"[^.!?]+[.!?](?:\s|$)", str(rule["description"]))
        assert len(sentences) >= 2, rule["title"]


def test_every_finding_has_references_and_known_false_positives(rules: RuleSet) -> None:
    for rule in reported(rules):
        for key in ("references", "falsepositives"):
            assert rule.get(key), f"{rule['title']}: no {key}"


def test_every_finding_says_what_to_do_and_what_it_cannot_see(rules: RuleSet) -> None:
    for rule in reported(rules):
        extension = rule["workbench"]
        assert isinstance(extension, dict)
        assert {"triage", "blind_spots"} <= set(extension), rule["title"]


def test_every_rule_names_its_signal_risk_response_and_budget(rules: RuleSet) -> None:
    for rule in reported(rules):
        extension = rule["workbench"]
        assert isinstance(extension, dict)
        assert {"signal", "risk", "response", "false_positive_budget"} <= set(extension), rule["title"]


def test_every_rule_names_a_technique(rules: RuleSet) -> None:
    for rule in rules.rules:
        tags = [str(tag) for tag in rule.sigma.tags]
        assert any(re.fullmatch(r"attack\.t\d{4}(\.\d{3})?|atlas\.aml\.t\d{4}", tag) for tag in tags), rule


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
@pytest.mark.parametrize("artefact", ARTEFACTS)
def test_no_rule_is_keyed_to_an_artefact_of_recordings(file: Path, artefact: str) -> None:
    for document in yaml.safe_load_all(file.read_text()):
        matched_on = yaml.safe_dump({key: document.get(key) for key in ("detection", "correlation")})
        assert not re.search(ARTEFACTS[artefact], matched_on)


def test_only_a_rule_with_hardly_any_false_positives_asks_for_a_block(rules: RuleSet) -> None:
    for rule in rules.rules:
        if rule.extension.response == "block":
            assert (rule.extension.false_positive_budget or 0) <= 1, rule.sigma.title
