"""For which rules a witness is wanted, in which recordings it is looked for, and what tests come of it."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from workbench.dataset.dataset import Dataset
from workbench.dataset.recording import Recording
from workbench.errors import WorkbenchError
from workbench.evaluate.witness.case_text import HEAD, case_text
from workbench.evaluate.witness.oracle import Oracle
from workbench.evaluate.witness.witness import Witness, firing, missing
from workbench.files import write_aside
from workbench.rule.beside import Bench, case_file, cases_beside
from workbench.rule.lower import lower
from workbench.rule.ruleset import LoadedRule, RuleSet, silent
from workbench.rule.vectors import parse_cases
from workbench.scorer.payload import Payload
from workbench.scorer.plan import decode_plan


class Found(NamedTuple):
    """A rule, the file its test belongs in, and its cases as text: none when no recording shows the rule."""

    rule: LoadedRule
    file: Path
    cases: list[str]


class Search:
    """Looks for the witnesses of rules in the recordings of a dataset; `baselines` are frozen ones."""

    def __init__(
        self, ruleset: RuleSet, dataset: Dataset, baselines: Sequence[dict[str, object]] = ()
    ) -> None:
        self._ruleset = ruleset
        self._dataset = dataset
        self._name = f"{dataset.manifest.name} {dataset.manifest.version}"
        plan = decode_plan(lower(ruleset))
        self._bench = Bench(plan)
        self._payload: Payload = msgspec.structs.replace(self._bench.payload, baselines=list(baselines))
        self._numbers = {rule.id: number for number, rule in enumerate(plan.rules)}
        self._silent = {rule.id for rule in ruleset.rules if plan.rules[self._numbers[rule.id]].silent}

    def untested(self) -> list[LoadedRule]:
        """Give the rules that no test beside them fires."""
        for file, rules in cases_beside(self._ruleset).items():
            self._bench.run_file(file, rules)
        return self._bench.untested(self._ruleset.rules)

    def run(self, rules: Iterable[LoadedRule]) -> list[Found]:
        """Give the cases of these rules: of steps and labels those alone that no case of the others fires."""
        wanted = {rule.id: rule for rule in rules}
        loud = [rule for rule in wanted.values() if rule.id not in self._silent]
        found = self._cases(loud)
        left = {rule.id for rule in self._bench.untested(wanted.values()) if rule.id in self._silent}
        found += self._cases([rule for rule in wanted.values() if rule.id in left])
        return sorted(found, key=lambda each: (each.file, self._numbers[each.rule.id]))

    def _cases(self, rules: Sequence[LoadedRule]) -> list[Found]:
        named = {self._numbers[rule.id]: rule for rule in rules}
        witnesses = firing(self._payload, {n: self._shown(rule) for n, rule in named.items()})
        twins = {n: self._opened(rule.extension.twins) for n, rule in named.items() if rule.extension.twins}
        near = missing(self._payload, twins)
        told = {n: [each for each in (witnesses.get(n), near.get(n)) if each] for n in named}
        return [
            Found(rule, case_file(rule), [self._case(rule, each) for each in told[n]])
            for n, rule in named.items()
        ]

    def _shown(self, rule: LoadedRule) -> list[Recording]:
        """Give the recordings that prove the rule, else all."""
        return self._opened(rule.extension.recordings) or list(self._dataset.recordings())

    def _opened(self, names: Container[str]) -> list[Recording]:
        return [Recording.open(path) for path in self._dataset.directories() if path.name in names]

    def _case(self, rule: LoadedRule, witness: Witness) -> str:
        """Put a witness into a case, and run it on all the rules, as lint will."""
        number = self._numbers[rule.id]
        oracle = Oracle(self._payload.plan, [number], self._payload.registries)
        fires = oracle.completions(number, witness.events)
        beside = [each for each in self._ruleset.rules if each.document.path == rule.document.path]
        quiet = silent(beside)
        alone = [each for each in beside if id(each) not in quiet] == [rule]
        text = case_text(witness, fires, self._name, "" if alone else str(rule.sigma.title))
        (case,) = parse_cases(text)
        if differs := self._bench.run(case, beside):
            raise WorkbenchError(f"a witness of {rule.sigma.title!r} is none among all rules: {differs[0]}")
        return text


def write_cases(found: Iterable[Found]) -> list[Path]:
    """Add cases to the files they belong in, but for those that are there; give the files that changed."""
    texts: dict[Path, str] = {}
    for each in found:
        for case in each.cases:
            text = texts.get(each.file) or (each.file.read_text("utf-8") if each.file.is_file() else HEAD)
            texts[each.file] = text if case in text else f"{text}\n{case}"
    changed = [file for file, text in texts.items() if not file.is_file() or file.read_text("utf-8") != text]
    for file in changed:
        write_aside(file, texts[file].encode())
    return changed
