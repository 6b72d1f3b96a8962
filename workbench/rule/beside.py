"""Tests beside rules: `NAME.test.toml` beside `NAME.yml`, run as a pack of all the rules would run them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

from workbench.errors import InputError, Place, RuleError, WorkbenchError
from workbench.registry import load_all
from workbench.rule.ruleset import LoadedRule, RuleSet, silent
from workbench.rule.unlabelled import unlabelled
from workbench.rule.vectors import Case, compare_case, payload_of, read_cases, run_case, score_case
from workbench.scorer import Scorer
from workbench.scorer.groups import LIMITS
from workbench.scorer.payload import Payload
from workbench.scorer.plan import Plan

TESTS = ".test.toml"


def case_file(rule: LoadedRule) -> Path:
    """Give the file in which a rule's cases lie, or would lie."""
    file = Path(rule.document.path)
    return file.with_name(file.stem + TESTS)


def cases_beside(ruleset: RuleSet) -> dict[Path, list[LoadedRule]]:
    """Give the files of cases that are there, with the rules that each lies beside."""
    found: defaultdict[Path, list[LoadedRule]] = defaultdict(list)
    for rule in ruleset.rules:
        found[case_file(rule)].append(rule)
    return {file: found[file] for file in sorted(found) if file.is_file()}


class Bench:
    """Runs cases on all the rules at once, with the registries that come with the workbench.

    `proved` are the numbers of the rules that some case fires: of one that makes findings a case beside it,
    of a label or a step any.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._numbers = {rule.id: number for number, rule in enumerate(plan.rules)}
        self._unlabelled = unlabelled(plan)
        self.proved: set[int] = set()

    @cached_property
    def payload(self) -> Payload:
        """What the cases are run on."""
        return payload_of(self._plan, load_all())

    @cached_property
    def _scorer(self) -> Scorer:
        return Scorer(self.payload)

    def untested(self, rules: Iterable[LoadedRule]) -> list[LoadedRule]:
        """Give the rules of the plan that no case run so far fires, though one could."""
        proved = {-1, *self.proved, *self._unlabelled}
        return [rule for rule in rules if self._numbers.get(rule.id, -1) not in proved]

    def run_file(self, file: Path, rules: Sequence[LoadedRule]) -> list[RuleError]:
        """Run the cases beside these rules; give a fault for each that differs, or that is none.

        Left out are those of a rule that no label reaches, of which lint tells.
        """
        try:
            cases = read_cases(file)
        except InputError as error:
            return [RuleError(error.cause, code="test", place=Place(str(file)), mend=error.mend)]
        lines = file.read_text(encoding="utf-8").splitlines()
        faults = []
        for case in cases:
            try:
                differs = run_case(case) if case.rules else self.run(case, rules)
            except (WorkbenchError, ValueError) as error:
                differs = [str(error)]
            line = next((n for n, text in enumerate(lines, 1) if case.name in text), 0)
            faults += [
                RuleError(
                    f"test {case.name!r}: {what}",
                    code="test",
                    place=Place(str(file), line),
                    mend="mend either",
                )
                for what in differs
            ]
        return faults

    def run(self, case: Case, rules: Sequence[LoadedRule]) -> list[str]:
        """Run a case on the rules it lies beside; give what differs from what it expects."""
        meant = [rule for rule in rules if case.rule in (rule.id, rule.sigma.name, rule.sigma.title)]
        if case.rule and not meant:
            return [f"no rule beside it is called {case.rule!r}"]
        quiet = silent(rules)
        chosen = meant or [rule for rule in rules if id(rule) not in quiet]
        numbers = {self._numbers[rule.id] for rule in chosen if rule.id in self._numbers}
        if not numbers.isdisjoint(self._unlabelled):
            return []
        limited = case.limits != LIMITS
        scorer = Scorer(self.payload, limits=case.limits) if limited else self._scorer.anew()
        hits, after = score_case(case, scorer)
        self.proved |= {hit.rule for hit in hits if hit.rule in numbers or self._plan.rules[hit.rule].silent}
        return compare_case(case, hits, after, numbers)
