"""No rule, table or registry is keyed to how our recordings were made."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from workbench.registry import load as load_registry
from workbench.rule import RuleSet

ROOT = Path(__file__).parents[2]
LAB = ROOT / "capture/lab"
WORDS: dict[str, list[str]] = yaml.safe_load((LAB / "words.yml").read_text())
SCENARIOS = [file.stem for file in (LAB / "scenarios").glob("*.yml")]
MUTATORS = [str(one["name"]) for one in yaml.safe_load((LAB / "mutators.yml").read_text())]
PROGRAMS = [file.name for file in (LAB / "programs").iterdir()]


def any_of(names: list[str]) -> str:
    return "|".join(sorted(map(re.escape, names), key=len, reverse=True))


ARTEFACTS = {
    "documentation address": r"\b(192\.0\.2|198\.51\.100|203\.0\.113)\.|2001:db8",
    "documentation name": r"\bexample\.(com|org|net)\b|(?<!py)\.(example|test)\b",
    "canary": r"(?i)canary(?!tokens\.com)",  # a service anyone may be sent to
    "scripted model": r"(?i)scripted|dummy-key|127\.0\.0\.1:\d",
    "name drawn from a seed": rf"(?i)\b({any_of(WORDS['first'])})[-_.]?({any_of(WORDS['second'])})\b",
    "home of a user of the lab": rf"/home/({any_of(WORDS['users'])})/",
    "scenario or evasion": rf"\b({any_of([*SCENARIOS, *MUTATORS])})\b",
    "stand-in": rf"\b({any_of(PROGRAMS)})\b",
    "recording": r"\brun-[0-9a-f]{3,}\b",
}


@pytest.fixture(scope="module")
def matched_on(rules: RuleSet) -> dict[str, str]:
    """What rules match on, tables and registries, as text; prose and names of recordings left out."""
    found: dict[str, Any] = {
        rule.id: {key: rule.document.data.get(key) for key in ("title", "detection", "correlation")}
        for rule in rules.rules
    }
    found |= {f"%{name}%": values for name, values in rules.placeholders.items()}
    found |= {name: load_registry(name) for name in ("agents", "destinations", "intrinsic")}
    return {name: str(value) for name, value in found.items()}


@pytest.mark.parametrize("artefact", ARTEFACTS)
def test_nothing_is_keyed_to_an_artefact(matched_on: dict[str, str], artefact: str) -> None:
    pattern = re.compile(ARTEFACTS[artefact])
    found = {name: match[0] for name, text in matched_on.items() if (match := pattern.search(text))}
    assert found == {}


def test_the_search_finds_what_it_looks_for() -> None:
    told = (
        "203.0.113.7 a.example.com CANARY-1 scripted ember-line /home/hugo/.ssh secret-to-egress "
        f"{PROGRAMS[0]} run-0ab"
    )
    assert all(re.search(pattern, told) for pattern in ARTEFACTS.values())
