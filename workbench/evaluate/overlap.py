"""Which rules say the same: pairs that call the same sessions, and rules nothing is missed without."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

from workbench.evaluate.backtest import Report


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two rules that call the same sessions, attacks or not: how many both do, and either does."""

    first: str
    second: str
    both: int
    either: int

    @property
    def jaccard(self) -> float:
        """The shared part, 1 when they call the same sessions."""
        return self.both / self.either


def called(report: Report) -> dict[str, frozenset[int]]:
    """Give rule id → the positions of the sessions that it called, for rules that called any."""
    found: dict[str, set[int]] = {}
    for number, outcome in enumerate(report.outcomes):
        for name in outcome.callers():
            found.setdefault(name, set()).add(number)
    return {rule.rule_id: frozenset(found[rule.rule_id]) for rule in report.rules if rule.rule_id in found}


def overlaps(report: Report, least: float = 0.5) -> list[Overlap]:
    """Give the pairs of rules with at least this Jaccard index, the most alike first."""
    found = [
        Overlap(first, second, len(left & right), len(left | right))
        for (first, left), (second, right) in combinations(called(report).items(), 2)
        if left & right
    ]
    chosen = [pair for pair in found if pair.jaccard >= least]
    return sorted(chosen, key=lambda pair: (-pair.jaccard, -pair.both, pair.first, pair.second))


def only_by(report: Report) -> dict[str, int]:
    """Give rule id → attacks that this rule alone called; 0 means redundant here."""
    attacks = frozenset(n for n, outcome in enumerate(report.outcomes) if outcome.malicious)
    sessions = called(report)
    return {
        name: len((own & attacks).difference(*(other for rival, other in sessions.items() if rival != name)))
        for name, own in sessions.items()
    }


def covered_by(report: Report, rule_id: str) -> str:
    """Give a rule that calls every attack this one does with fewer false alarms, "" when none does."""
    attacks = frozenset(n for n, outcome in enumerate(report.outcomes) if outcome.malicious)
    sessions = called(report)
    own = sessions.get(rule_id, frozenset())
    wrong = len(own - attacks)
    better = [
        (len(other - attacks), name)
        for name, other in sessions.items()
        if name != rule_id and own & attacks <= other and len(other - attacks) < wrong
    ]
    return min(better)[1] if better and own & attacks else ""
