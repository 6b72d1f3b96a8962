"""What rules and the coverage page say of their proof is what was measured, on what there is now."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from workbench.dataset.dataset import MANIFEST, Dataset, digest
from workbench.evaluate.coverage_page import coverage_page
from workbench.evaluate.proof import PROOF, Proof, read_proof, read_thresholds
from workbench.rule import RuleSet
from workbench.rule.lock import digest_of

ROOT = Path(__file__).parents[2]
STALE = "run `make proof`, and commit what it writes"


@pytest.fixture(scope="module")
def proof() -> Proof:
    return read_proof(ROOT / "rules" / PROOF)


def test_the_coverage_page_is_up_to_date(rules: RuleSet, proof: Proof) -> None:
    assert (ROOT / "docs/coverage.md").read_text() == coverage_page(rules, proof), STALE


def test_the_proof_is_of_these_rules(rules: RuleSet, proof: Proof) -> None:
    meant = {rule.id: digest_of(rule) for rule in rules.rules}
    changed = [rule.title for name, rule in proof.rules.items() if meant.get(name) != rule.digest]
    assert not changed, STALE


def test_a_proof_of_this_release_is_of_its_very_recordings(proof: Proof) -> None:
    released = Dataset.open(ROOT / "datasets" / proof.dataset)
    # An earlier release proved what it proved; the page says which it was.
    if proof.version == released.manifest.version:
        assert digest(released.path / MANIFEST) == proof.manifest, STALE


def test_rules_say_what_was_proved_of_them(rules: RuleSet, proof: Proof) -> None:
    for rule in rules.rules:
        if proved := proof.rules.get(rule.id):
            said = (rule.document.data["status"], rule.extension.recordings, rule.extension.twins)
            assert said == (proved.maturity, proved.recordings, proved.twins), STALE


def test_a_rule_tells_every_kind_of_attack_from_its_twin_but_for_those_the_card_names(proof: Proof) -> None:
    card = (ROOT / "datasets" / proof.dataset / "README.md").read_text()
    paragraph = next(text for text in card.split("\n\n") if text.startswith("**Attack and twin**"))
    named = set(re.findall(r"`([a-z-]+)`", paragraph))
    told = {
        name
        for rule in proof.rules.values()
        for name in rule.scenarios
        if rule.response != "audit" and not rule.twins_alerted
    }
    assert proof.scenarios.keys() - told == named


def test_no_benign_session_would_have_been_blocked(proof: Proof) -> None:
    assert proof.blocked == []


def test_a_higher_maturity_asks_for_no_less() -> None:
    stable, test = read_thresholds(ROOT / "rules/maturity.toml").values()
    assert (stable.recordings, stable.agents, stable.held_out, stable.precision) >= (
        test.recordings,
        test.agents,
        test.held_out,
        test.precision,
    )
    assert stable.upper_per_1000 <= test.upper_per_1000
