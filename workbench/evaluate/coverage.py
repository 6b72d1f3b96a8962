"""Which ATT&CK and ATLAS techniques the rules name, as a table and as a Navigator layer."""

from __future__ import annotations

from typing import Any

from rich.table import Table
from rich.text import Text

from workbench.rule.ruleset import RuleSet
from workbench.rule.techniques import techniques_of

LAYER_VERSION = "4.5"  # of the ATT&CK Navigator's layer file format


def coverage(rules: RuleSet) -> dict[str, list[str]]:
    """Give technique id → the titles of the rules that name it, both sorted."""
    covered: dict[str, set[str]] = {}
    for rule in rules.rules:
        for technique in techniques_of(f"{tag.namespace}.{tag.name}" for tag in rule.sigma.tags):
            covered.setdefault(technique, set()).add(str(rule.sigma.title))
    return {technique: sorted(titles) for technique, titles in sorted(covered.items())}


def to_table(covered: dict[str, list[str]]) -> Table:
    """Draw technique and rules."""
    table = Table("technique", "rules", "titles", title=f"{len(covered)} techniques", title_justify="left")
    for technique, titles in covered.items():
        table.add_row(technique, str(len(titles)), Text("\n".join(titles)))
    return table


def to_navigator(covered: dict[str, list[str]], name: str) -> dict[str, Any]:
    """Give an ATT&CK Navigator layer of the ATT&CK techniques; ATLAS has a Navigator of its own."""
    attack = {technique: titles for technique, titles in covered.items() if technique.startswith("T")}
    return {
        "name": name,
        "versions": {"layer": LAYER_VERSION},
        "domain": "enterprise-attack",
        "description": "Rules by technique",
        "techniques": [
            {"techniqueID": technique, "score": len(titles), "comment": "\n".join(titles)}
            for technique, titles in attack.items()
        ],
        "gradient": {
            "colors": ["#ffffff", "#0072B2"],
            "minValue": 0,
            "maxValue": max(map(len, attack.values()), default=1),
        },
    }
