"""Propose a Sigma filter that ends given false positives, and prove on recordings that nothing right is lost.

What completed the false findings, and nothing that completed a right one, tells them apart by a field: the
field that does with the fewest values is proposed. The proof is a backtest with the filter in place.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from workbench.dataset.recording import Recording
from workbench.errors import InputError
from workbench.evaluate.backtest import Report
from workbench.evaluate.outcome import Outcome
from workbench.event import Event
from workbench.rule.document import parse_documents
from workbench.rule.ruleset import LoadedRule, RuleSet, from_documents
from workbench.scorer import Scorer

FIELDS = (
    "destination.domain",
    "destination.class",
    "destination.ip",
    "process.executable",
    "process.parent.executable",
    "attribution.actor",
    "file.directory",
    "file.path",
    "dns.question.name",
    "gen_ai.tool.name",
    "process.command_line",
    "process.parent.command_line",
)
"""Fields a filter may name, those that say most of what a thing is first."""

MOST_VALUES = 10
_NAMESPACE = uuid.UUID("6f6c2b4e-9f0e-4f0b-8a57-6a2f5d0f7c11")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A filter: the rule it narrows (of a correlation, the step), field and values, as Sigma in `text`."""

    rule_id: str
    field: str
    values: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Proof:
    """The rule before and after: attacks caught, benign sessions with a finding; attacks `lost`, by name."""

    caught: tuple[int, int]
    false_positives: tuple[int, int]
    lost: tuple[str, ...]
    verdicts_lost: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether no attack is lost and a false positive is ended."""
        before, after = self.false_positives
        return not self.lost and not self.verdicts_lost and after < before


def find(rules: RuleSet, name: str) -> LoadedRule:
    """Give the rule of this id, name or title; raises InputError when there is none."""
    for rule in rules.rules:
        if name in (rule.id, rule.sigma.name, rule.sigma.title):
            return rule
    raise InputError(f"no rule {name!r}", mend="give a rule's id, name or title")


def false_positives(report: Report, rule_id: str, given: Sequence[str] = ()) -> list[str]:
    """Give the benign recordings that the rule called, of those `given` where any are.

    Raises InputError when there is none, or one that is given is no false positive.
    """
    found = [one.recording for one in report.outcomes if not one.malicious and one.caught_by(rule_id)]
    if strange := sorted(set(given) - set(found)):
        told = f"not benign recordings with a finding of this rule: {', '.join(strange)}"
        raise InputError(told, mend=f"use {', '.join(found)}" if found else "the rule has no false positive")
    if not found:
        told = f"the rule has no false positive on these {len(report.outcomes)} recordings"
        raise InputError(told, mend="tune it on a dataset where it is wrong")
    return list(given) or found


def propose(
    payload: bytes, rule: LoadedRule, report: Report, directories: Iterable[Path], given: Sequence[str] = ()
) -> Iterator[Proposal]:
    """Propose filters, the simplest first; `given` are the recordings to clear, all benign ones else."""
    places = {directory.name: directory for directory in directories}
    wrong: dict[str, list[Event]] = {}
    right: dict[str, list[Event]] = {}
    for outcome in report.outcomes:
        false = not outcome.malicious and (not given or outcome.recording in given)
        if (false or outcome.malicious) and any(hit.rule_id == rule.id for hit in outcome.hits):
            into = wrong if false else right
            for step, events in _completing(payload, rule, outcome, places[outcome.recording]).items():
                into.setdefault(step, []).extend(events)
    proposals = [
        (len(values), FIELDS.index(field), step, field, values)
        for step, events in wrong.items()
        for field in FIELDS
        if (values := _telling(field, events, right.get(step, ())))
    ]
    for _, _, step, field, values in sorted(proposals):
        narrowed = rule if step == rule.id else next(each for each in _steps(rule) if each.id == step)
        yield Proposal(step, field, values, _filter(rule, narrowed, field, values))


def _steps(rule: LoadedRule) -> Iterator[LoadedRule]:
    for step in rule.steps:
        yield step
        yield from _steps(step)


def _completing(
    payload: bytes, rule: LoadedRule, outcome: Outcome, directory: Path
) -> dict[str, list[Event]]:
    """Give detection id → the enriched events in the rule's evidence that match it."""
    evidence = {e for hit in outcome.hits if hit.rule_id == rule.id for e in (*hit.evidence, hit.event_id)}
    scorer = Scorer.from_payload(payload)
    wanted = {each.id for each in (*_steps(rule), rule)}
    found: dict[str, list[Event]] = {}
    for event in Recording.open(directory).events():
        own, matched = scorer.examine(event)
        scorer.conclude(own, matched)
        if own.get("event.id") in evidence:
            for number in matched:
                name = scorer.plan.rules[number].id
                if name in wanted:
                    found.setdefault(name, []).append(own)
    return found


def _telling(field: str, wrong: Sequence[Event], right: Sequence[Event]) -> tuple[str, ...]:
    """Give the field's values in all that is wrong; () when one is missing or is in what is right."""
    values = {_text(event.get(field)) for event in wrong}
    if "" in values or len(values) > MOST_VALUES:
        return ()
    return () if values & {_text(event.get(field)) for event in right} else tuple(sorted(values))


def _text(value: Any) -> str:
    return value.casefold() if isinstance(value, str) else ""


def _filter(rule: LoadedRule, narrowed: LoadedRule, field: str, values: Sequence[str]) -> str:
    title = f"{rule.sigma.title}: known benign {field}"
    document: dict[str, Any] = {
        "title": title if len(title) <= 256 else title[:255] + "…",
        "id": str(uuid.uuid5(_NAMESPACE, f"{narrowed.id} {field} {' '.join(values)}")),
        "status": "experimental",
        "description": "Proposed from false positives; read what it lets through before it is kept.",
        "logsource": dict(narrowed.document.data["logsource"]),
        "filter": {
            "rules": [narrowed.id],
            "selection": {field: [_literal(value) for value in values]},
            "condition": "not selection",
        },
    }
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)
    return text


def _literal(value: str) -> str:
    r"""Escape what Sigma reads as a wildcard.

    >>> _literal("/tmp/*.txt")
    '/tmp/\\*.txt'
    """
    return value.replace("\\", "\\\\").replace("*", "\\*").replace("?", "\\?")


def with_filter(rules: RuleSet, proposal: Proposal) -> RuleSet:
    """Give the rules with the filter among them; raises RuleErrors when it is not honoured."""
    documents = [rule.document for rule in rules.rules]
    documents += list(parse_documents(proposal.text, "proposed filter", []))
    return from_documents(documents, placeholders=rules.placeholders)


def prove(rule_id: str, before: Report, after: Report) -> Proof:
    """Hold the two backtests of the same recordings against each other."""
    pairs = list(zip(before.outcomes, after.outcomes, strict=True))
    attacks = [(old, new) for old, new in pairs if old.malicious]
    benign = [(old, new) for old, new in pairs if not old.malicious]
    return Proof(
        caught=(_count(rule_id, (o for o, _ in attacks)), _count(rule_id, (n for _, n in attacks))),
        false_positives=(_count(rule_id, (o for o, _ in benign)), _count(rule_id, (n for _, n in benign))),
        lost=tuple(o.recording for o, n in attacks if o.caught_by(rule_id) and not n.caught_by(rule_id)),
        verdicts_lost=tuple(o.recording for o, n in attacks if o.called and not n.called),
    )


def _count(rule_id: str, outcomes: Iterable[Outcome]) -> int:
    return sum(outcome.caught_by(rule_id) for outcome in outcomes)
