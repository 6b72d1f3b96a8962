"""Try Sigma rules, given as text, on a dataset."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import numpy as np

from workbench.errors import RuleError
from workbench.evaluate.near_miss import distance
from workbench.event import Value, gist
from workbench.nb.trial.place import DATASET, find
from workbench.nb.trial.runs import Run, read_runs
from workbench.pack import build_payload
from workbench.registry import load_all
from workbench.rule.checks import check_rule
from workbench.rule.document import Document, parse_documents, read_documents
from workbench.rule.lower import lower_all
from workbench.rule.ruleset import PLACEHOLDERS, RuleSet, from_documents, read_placeholders, rule_files
from workbench.scorer import Finding, Scorer
from workbench.scorer.kind import kinds_of
from workbench.scorer.plan import Plan
from workbench.scorer.predicates import Predicates
from workbench.scorer.reason import describe_condition

NEAREST = 5
_MICRO = 1_000


@dataclass(frozen=True)
class Miss:
    """An event for which some conditions hold; `stopped_by` names the others, with what was there."""

    rule: str
    recording: str
    event_id: str
    malicious: bool
    what: str
    stopped_by: tuple[str, ...]


@dataclass
class Trial:
    """What came of it: faults first; without faults, findings by recording, nearest misses and latency.

    `sessions` counts those there were to run over; with many events `runs` is a sample of them.
    """

    source: str
    errors: list[RuleError] = field(default_factory=list)
    warnings: list[RuleError] = field(default_factory=list)
    runs: Sequence[Run] = ()
    sessions: int = 0
    findings: dict[str, list[Finding]] = field(default_factory=dict)
    misses: list[Miss] = field(default_factory=list)
    micros: dict[str, float] = field(default_factory=dict)
    plan: Plan | None = None

    def caught(self) -> dict[str, tuple[int, int]]:
        """Give attack scenario → sessions in which a finding rests on a malicious event, and all sessions."""
        return self._by_scenario(malicious=True)

    def false_alarms(self) -> dict[str, tuple[int, int]]:
        """Give benign scenario → sessions with a finding, and all sessions."""
        return self._by_scenario(malicious=False)

    def _by_scenario(self, *, malicious: bool) -> dict[str, tuple[int, int]]:
        groups: dict[str, list[bool]] = defaultdict(list)
        for run in self.runs:
            if bool(run.malicious) == malicious:
                found = self.findings.get(run.name, [])
                right = (not malicious or not run.malicious.isdisjoint(one.evidence) for one in found)
                groups[run.scenario].append(any(right))
        return {name: (sum(found), len(found)) for name, found in sorted(groups.items())}

    def __repr__(self) -> str:
        """Give the trial as text."""
        from workbench.nb.trial.view import to_text  # noqa: PLC0415 - the view knows the trial

        return to_text(self)

    def _repr_html_(self) -> str:
        from workbench.nb.trial.view import to_html  # noqa: PLC0415 - slow to import

        return to_html(self)


def try_rules(
    source: str, dataset: Path | str = DATASET, *, rules: Path | str = "rules", scenario: str = "*"
) -> Trial:
    """Check the Sigma rules of a text and run them over a dataset, or over scenarios whose name fits a glob.

    Of more than 50,000 events a sample of sessions is taken, evenly by scenario. The `label` rules in the
    directory `rules` follow data besides, and its placeholders can be used. Raises InputError for a place
    that is not there. A rule's faults are not raised but in the result.

    >>> try_rules("title: Mine\\nlogsource: {category: dns_query}\\ndetection: {s: {Quer: x}, condition: s}")
    1 error, nothing was run
    rule:3:17: [field] no source fills the field 'Quer' (mend: did you mean query?)
        3 | detection: {s: {Quer: x}, condition: s}
          |                 ^
    """
    errors: list[RuleError] = []
    own = list(parse_documents(source, "rule", errors))
    beside, placeholders = _library(find(rules))
    taken = {str(document.data.get(key)) for document in own for key in ("id", "name")}
    kept = [one for one in beside if str(one.data.get("id")) not in taken]
    ruleset = from_documents([*own, *kept], placeholders=placeholders, errors=errors, strict=False)
    _, faults = lower_all(ruleset)
    trial = Trial(source, errors=[*ruleset.errors, *faults])
    mine = [rule for rule in ruleset.rules if rule.document.path == "rule"]
    trial.warnings = [fault for rule in mine for fault in check_rule(rule)]
    if not own and not trial.errors:
        trial.errors = [RuleError("no rule", code="yaml", mend="a rule begins with `title:`")]
    if not trial.errors:
        trial.runs, trial.sessions = read_runs(str(find(dataset).resolve()), scenario)
        _run(trial, ruleset, {rule.id for rule in mine})
    return trial


@lru_cache(maxsize=4)
def _library(rules: Path) -> tuple[list[Document], dict[str, list[str]]]:
    errors: list[RuleError] = []
    labels, values = rules / "label", rules / PLACEHOLDERS
    files = rule_files([labels]) if labels.is_dir() else []
    documents = [document for file in files for document in read_documents(file, errors)]
    return documents, read_placeholders(values) if values.is_file() else {}


def _run(trial: Trial, ruleset: RuleSet, mine: set[str]) -> None:
    payload = build_payload(ruleset, "trial", "0", registries=load_all())
    scorer = Scorer.from_payload(payload)
    trial.plan = scorer.plan
    pristine, taken = scorer.snapshot(), []
    nearest = _Nearest(scorer.plan, mine)
    for run in trial.runs:
        scorer.restore(pristine)
        found: list[Finding] = []
        for event in run.events:
            began = perf_counter_ns()
            own, matched = scorer.examine(event)
            findings = scorer.conclude(own, matched)
            taken.append(perf_counter_ns() - began)
            nearest.look(run, own, matched)
            found += findings
        found += scorer.close()
        trial.findings[run.name] = [finding for finding in found if finding.rule_id in mine]
    trial.misses = nearest.closest()
    if taken:
        micros = np.array(taken) / _MICRO
        shares = {"mean": micros.mean(), "p50": np.percentile(micros, 50), "p99": np.percentile(micros, 99)}
        trial.micros = {name: round(float(value), 1) for name, value in shares.items()}


class _Nearest:
    """Keeps, for each detection and set of conditions in the way, one event; malicious ones are preferred."""

    def __init__(self, plan: Plan, mine: set[str]) -> None:
        self._plan = plan
        self._rules: dict[int, tuple[list[Any], Predicates]] = {}
        self._found: dict[tuple[int, tuple[int, ...]], Miss] = {}
        for number, rule in enumerate(plan.rules):
            if rule.id in mine and rule.correlation is None and rule.view == "event":
                condition = rule.condition
                parts = (
                    condition[1:]
                    if isinstance(condition, list | tuple) and condition[0] == "and"
                    else [condition]
                )
                used = {leaf: plan.predicates[leaf] for part in parts for leaf in plan.leaves(part)}
                self._rules[number] = list(parts), Predicates(used.items())

    def look(self, run: Run, own: dict[str, Value], matched: Sequence[int]) -> None:
        for number, (parts, predicates) in self._rules.items():
            rule = self._plan.rules[number]
            if number in matched or (rule.kinds and set(kinds_of(own)).isdisjoint(rule.kinds)):
                continue
            bits = predicates.bits(own)
            stopped = tuple(n for n, part in enumerate(parts) if distance(part, bits))
            key = number, stopped
            malicious = own.get("event.id") in run.malicious
            if key not in self._found or (malicious and not self._found[key].malicious):
                self._found[key] = Miss(
                    rule=rule.title,
                    recording=run.name,
                    event_id=str(own.get("event.id", "")),
                    malicious=malicious,
                    what=f"{own['event.category']}/{own['event.action']} {gist(own)}"[:160],
                    stopped_by=tuple(self._tell(parts[n], own) for n in stopped),
                )

    def _tell(self, part: Any, own: dict[str, Value]) -> str:
        fields = dict.fromkeys(self._plan.predicates[leaf].field for leaf in self._plan.leaves(part))
        there = ", ".join(f"{name} is {own[name]!r}"[:120] for name in fields if name in own)
        return f"{describe_condition(self._plan, part)} ({there or 'the event has no such field'})"

    def closest(self) -> list[Miss]:
        ranked = sorted(self._found.values(), key=lambda miss: (len(miss.stopped_by), not miss.malicious))
        return ranked[:NEAREST]
