"""The known gaps of the coverage page: what was missed, told late, cost too much, or is not proved at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from workbench.evaluate.coverage import coverage
from workbench.evaluate.proof import Proof, Tally
from workbench.rule.ruleset import RuleSet
from workbench.rule.techniques import techniques


def gaps(rules: RuleSet, proof: Proof) -> Iterator[str]:
    """Give the lines of the section."""
    yield "## Known gaps\n"
    yield from _listed("Attacks that were not called", _missed(proof.scenarios))
    yield from _listed("Evasions that got past", _missed(proof.mutators))
    yield from _listed("Called after something had left", _late(proof.scenarios))
    yield from _listed("Benign twins that were called", _called(proof.twins))
    yield from _listed("Techniques of recorded attacks that no rule names", _unnamed(rules, proof))
    unproved = (rule.title for rule in proof.rules.values() if not rule.caught)
    yield from _listed("Rules that no recording proves yet", unproved)
    yield "### What each rule cannot see\n"
    blind = {r.sigma.title: r.extension.blind_spots for r in rules.rules if r.extension.blind_spots}
    yield from (f"- **{title}**: {'; '.join(blind[title])}" for title in sorted(blind))


def _missed(tallies: Mapping[str, Tally]) -> Iterator[str]:
    for name, tally in tallies.items():
        if tally.called < tally.recordings:
            yield f"{name}: {tally.recordings - tally.called} of {tally.recordings}"


def _late(tallies: Mapping[str, Tally]) -> Iterator[str]:
    for name, tally in tallies.items():
        if tally.in_time < tally.left:
            yield f"{name}: {tally.left - tally.in_time} of {tally.left}"


def _called(tallies: Mapping[str, Tally]) -> Iterator[str]:
    for name, tally in tallies.items():
        if tally.called:
            yield f"{name}: {tally.called} of {tally.recordings}"


def _unnamed(rules: RuleSet, proof: Proof) -> Iterator[str]:
    named = set(coverage(rules))
    for name, scenarios in proof.techniques.items():
        if name not in named:
            title = techniques()[name].name if name in techniques() else ""
            yield f"{name} {title}: {', '.join(scenarios)}"


def _listed(title: str, items: Iterable[str]) -> Iterator[str]:
    yield f"### {title}\n"
    yield from [f"- {item}" for item in items] or ["None."]
    yield ""
