"""The coverage page as Markdown: scenario by rule, evasions, false alarms, maturity, ATT&CK and ATLAS."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from workbench.evaluate.coverage import coverage
from workbench.evaluate.coverage_page_gaps import gaps
from workbench.evaluate.proof import Proof, RuleProof, Tally
from workbench.rule.ruleset import RuleSet
from workbench.rule.techniques import techniques

_HEAD = """# Coverage

What the rules of this repository catch, on what evidence, and what they do not catch. This page is
generated: `make proof` runs the rules on the released recordings, writes what was found into
`rules/proof.json` and into the rules, and draws the page from both. Known gaps are better than unknown
ones, so [they](#known-gaps) come from the same measurements.
"""


def coverage_page(rules: RuleSet, proof: Proof) -> str:
    """Give the page as Markdown; the same inputs give the same text."""
    parts = (
        [_HEAD, _evidence(proof)],
        _figures(proof),
        _scenarios(proof),
        _evasions(proof),
        _costs(proof),
        _rules(rules, proof),
        _matrix("MITRE ATT&CK", "T", rules),
        _matrix("MITRE ATLAS", "AML.", rules),
        gaps(rules, proof),
    )
    return "\n".join(line for part in parts for line in part).rstrip() + "\n"


def _evidence(proof: Proof) -> str:
    attacks = sum(tally.recordings for tally in proof.scenarios.values())
    benign = sum(proof.benign[kind].recordings for kind in ("ordinary work", "twins") if kind in proof.benign)
    return (
        f"Evidence: {proof.dataset} {proof.version}, {attacks} recorded attacks and {benign} benign sessions "
        f"(SHA-256 of its manifest: `{proof.manifest[:16]}…`).\n"
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
    yield ""


def _share(part: int, whole: int) -> str:
    return f"{part}/{whole}" if whole else "–"


def _per_1000(tally: Tally) -> str:
    return f"{1000 * tally.called / tally.recordings:.1f}" if tally.recordings else "–"


def _figures(proof: Proof) -> Iterator[str]:
    yield "## The pack as a whole\n"
    yield (
        "`called`: sessions whose verdict was alert or block. `in time`: of those by which something left,\n"
        "the ones called no later than the event by which it did. Rules were tuned on train and validation,\n"
        "and some were corrected after test had been read: the card of the recordings counts how often.\n"
    )
    rows = ((n, _share(t.called, t.recordings), _share(t.in_time, t.left)) for n, t in proof.attacks.items())
    yield from _table(("", "called", "in time"), rows)


def _by_scenario(proof: Proof) -> dict[str, list[tuple[RuleProof, int]]]:
    found: dict[str, list[tuple[RuleProof, int]]] = {name: [] for name in proof.scenarios}
    for rule in proof.rules.values():
        for scenario, count in rule.scenarios.items():
            found[scenario].append((rule, count))
    return {name: sorted(rules, key=lambda each: (-each[1], each[0].title)) for name, rules in found.items()}


def _scenarios(proof: Proof) -> Iterator[str]:
    yield "## Scenario by rule\n"
    yield (
        "A rule stands beside a scenario when a finding of it rests on the attack's own events, with the\n"
        "number of recordings; *in italics* those that only record. `twins`: benign twins that were called.\n"
    )
    rows = []
    for name, rules in _by_scenario(proof).items():
        tally, twins = proof.scenarios[name], proof.twins.get(name, Tally(0, 0))
        told = "; ".join(f"{_titled(rule)} {count}" for rule, count in rules)
        star = "\\*" if name in proof.unseen else ""
        counts = (_share(tally.called, tally.recordings), _share(tally.in_time, tally.left))
        rows.append((f"{name}{star}", *counts, _share(twins.called, twins.recordings), told or "none"))
    yield from _table(("scenario", "called", "in time", "twins", "rules, and in how many recordings"), rows)
    if proof.unseen:
        yield "\\* only in the test split: rules were written without its recordings.\n"


def _titled(rule: RuleProof) -> str:
    return f"*{rule.title}*" if rule.response == "audit" else rule.title


def _evasions(proof: Proof) -> Iterator[str]:
    yield "## Evasions\n"
    yield "The same attacks, done in a way meant to escape notice.\n"
    rows = ((n, _share(t.called, t.recordings), _share(t.in_time, t.left)) for n, t in proof.mutators.items())
    yield from _table(("evasion", "called", "in time"), rows)


def _costs(proof: Proof) -> Iterator[str]:
    yield "## False alarms\n"
    rows = ((name, _share(t.called, t.recordings), _per_1000(t)) for name, t in proof.benign.items())
    yield from _table(("benign sessions", "called", "per 1,000"), rows)
    yield f"Benign sessions blocked: {len(proof.blocked)}.\n"
    costly = [rule for rule in proof.rules.values() if rule.false_positives and rule.response != "audit"]
    if costly:
        yield from _table(
            ("rule that fired on benign sessions", "benign", "attacks"),
            ((rule.title, str(rule.false_positives), str(rule.caught)) for rule in costly),
        )


def _rules(rules: RuleSet, proof: Proof) -> Iterator[str]:
    yield "## Rules and their maturity\n"
    yield (
        "A rule is *test* or *stable* when it reaches the thresholds in `rules/maturity.toml`, experimental\n"
        "until then. `recordings` prove that it fires, `twins` that it leaves alone what only looks alike:\n"
        "some of them, by name.\n"
    )
    known = {rule.id: rule.extension for rule in rules.rules}
    rows = []
    for name, rule in proof.rules.items():
        budget = known[name].false_positive_budget
        said = known[name].signal, rule.response, "–" if budget is None else f"{budget:g}"
        counts = str(rule.caught), str(rule.false_positives)
        rows.append((rule.title, rule.maturity, *said, *counts, *map(_named, (rule.recordings, rule.twins))))
    head = ("rule", "maturity", "signal", "response", "budget per 1,000", "attacks", "benign")
    yield from _table((*head, "recordings", "twins"), rows)


def _named(names: Sequence[str]) -> str:
    return " ".join(names) or "–"


def _matrix(title: str, prefix: str, rules: RuleSet) -> Iterator[str]:
    covered = {name: len(titles) for name, titles in coverage(rules).items() if name.startswith(prefix)}
    yield f"## {title}\n"
    yield f"{len(covered)} techniques; the number counts the rules, labels and steps that name one.\n"
    rows = ((tactic, "<br>".join(names)) for tactic, names in _by_tactic(covered).items())
    yield from _table(("tactic", "techniques"), rows)


def _by_tactic(covered: Mapping[str, int]) -> dict[str, list[str]]:
    tactics: dict[str, list[str]] = {}
    for name, count in covered.items():
        known = techniques()[name]
        for tactic in known.tactics:
            tactics.setdefault(tactic, []).append(f"[{name}]({known.url}) {known.name} ({count})")
    return dict(sorted(tactics.items()))
