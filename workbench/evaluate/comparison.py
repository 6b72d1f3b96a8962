"""What changed between two backtests of the same recordings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scipy.stats import binomtest

from workbench.errors import InputError
from workbench.evaluate.backtest import Report


@dataclass(frozen=True, slots=True)
class Changed:
    """One recording that the two judge differently; `better` when the newer is right."""

    recording: str
    malicious: bool
    before: str
    after: str
    better: bool


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One rule's caught and false alarms, before and after; None where it was not there."""

    rule_id: str
    title: str
    before: tuple[int, int] | None
    after: tuple[int, int] | None


@dataclass(frozen=True)
class Comparison:
    """`p` is the exact McNemar test's (1947) that as many verdicts became right as wrong."""

    recordings: int
    verdicts: tuple[Changed, ...]
    rules: tuple[RuleChange, ...]
    p: float

    @property
    def same(self) -> bool:
        """Whether nothing that was found differs."""
        return not self.verdicts and not self.rules


def compare(before: Report, after: Report) -> Comparison:
    """Compare two packs on the same recordings, or two runs; raises InputError when they share none."""
    old = {outcome.recording: outcome for outcome in before.outcomes}
    new = {outcome.recording: outcome for outcome in after.outcomes}
    if not old.keys() & new.keys():
        raise InputError("the two have no recording in common", mend="compare runs over the same dataset")
    verdicts = [
        Changed(
            name,
            new[name].malicious,
            old[name].decision,
            new[name].decision,
            new[name].called == new[name].malicious,
        )
        for name in sorted(old.keys() & new.keys())
        if old[name].called != new[name].called
    ]
    better = sum(changed.better for changed in verdicts)
    p = float(binomtest(better, len(verdicts)).pvalue) if verdicts else 1.0
    return Comparison(
        len(old.keys() & new.keys()), tuple(verdicts), tuple(_rules(before, after)), round(p, 4)
    )


def _rules(before: Report, after: Report) -> Iterator[RuleChange]:
    old, new = ({rule.rule_id: rule for rule in report.rules} for report in (before, after))
    for name in sorted({*old, *new}, key=lambda name: (new.get(name) or old[name]).title):
        counts = [
            None
            if name not in rules
            else (rules[name].metrics.true_positives, rules[name].metrics.false_positives)
            for rules in (old, new)
        ]
        if counts[0] != counts[1]:
            yield RuleChange(name, (new.get(name) or old[name]).title, counts[0], counts[1])
