"""Which ATT&CK and ATLAS techniques a rule set covers, a column for each tactic."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from workbench.evaluate.coverage import to_navigator
from workbench.files import write_aside
from workbench.nb.view.page import page
from workbench.nb.view.plain import plain
from workbench.printable import printable
from workbench.rule.ruleset import RuleSet
from workbench.rule.techniques import techniques_of


class CoverageMatrix:
    """Techniques by the tactic that their rules name, or lie under, each with its number of rules.

    A rule that names several tactics stands under each. `navigator` writes the layer for ATT&CK's Navigator.
    """

    def __init__(self, rules: RuleSet) -> None:
        tactics: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        self.rules = len(rules.rules)
        for rule in rules.rules:
            tags = [f"{tag.namespace}.{tag.name}" for tag in rule.sigma.tags]
            named = [tag.partition(".")[2] for tag in tags if tag.startswith("attack.") and ".t" not in tag]
            for technique in techniques_of(tags):
                atlas = technique.startswith("AML.")
                for tactic in ["ATLAS"] if atlas else named or [Path(rule.document.path).parent.name]:
                    tactics[tactic][technique].add(str(rule.sigma.title))
        self.tactics: dict[str, dict[str, list[str]]] = {
            tactic: {technique: sorted(titles) for technique, titles in sorted(found.items())}
            for tactic, found in sorted(tactics.items(), key=lambda item: (item[0] == "ATLAS", item[0]))
        }

    @property
    def techniques(self) -> dict[str, list[str]]:
        """Give technique → titles of its rules."""
        merged: dict[str, set[str]] = defaultdict(set)
        for found in self.tactics.values():
            for technique, titles in found.items():
                merged[technique].update(titles)
        return {technique: sorted(titles) for technique, titles in sorted(merged.items())}

    def navigator(self, file: Path | str, name: str = "Agent Detection Workbench") -> Path:
        """Write the ATT&CK Navigator layer and give its path."""
        layer: Mapping[str, Any] = to_navigator(self.techniques, name)
        write_aside(Path(file), msgspec.json.format(msgspec.json.encode(layer), indent=1) + b"\n")
        return Path(file)

    def _title(self) -> str:
        return f"{len(self.techniques)} techniques in {len(self.tactics)} tactics, by {self.rules} rules"

    def __repr__(self) -> str:
        """Give a line for each tactic."""
        told = [
            f"{tactic}: " + ", ".join(f"{technique} {len(titles)}" for technique, titles in found.items())
            for tactic, found in self.tactics.items()
        ]
        return printable("\n".join([self._title(), *told]))

    def _repr_html_(self) -> str:
        heads = "".join(f"<th>{plain(tactic)}</th>" for tactic in self.tactics)
        columns = "".join(
            f'<td style="padding:2px">{"".join(_cell(*item) for item in found.items())}</td>'
            for found in self.tactics.values()
        )
        body = f"<table><caption>{self._title()}</caption><tr>{heads}</tr><tr>{columns}</tr></table>"
        return page(body, "coverage of ATT&CK and ATLAS techniques")


def _cell(technique: str, titles: list[str]) -> str:
    shade = min(0.12 + 0.12 * len(titles), 0.6)
    told = plain("\n".join(titles))
    return (
        f'<div tabindex="0" title="{told}" style="margin:2px;padding:2px 6px;white-space:nowrap;'
        f'background:rgba(0,114,178,{shade:.2f})">{plain(technique)} <b>{len(titles)}</b></div>'
    )
