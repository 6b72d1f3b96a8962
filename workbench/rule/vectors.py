"""Rule tests and the semantics themselves as data: rules, events, and which events must fire.

A file of cases is TOML, so that an implementation in any language can read it:

    [[case]]
    name = "the last instant of the timespan counts"
    rules = '''…'''           # Sigma YAML; a rule's own test leaves it out: it is for the rules beside it
    events = '''…'''          # JSON lines; at: seconds since 1970, kind: category/action, id: the event.id
    fires = ["2"]             # the event each finding completes on, in order
    evidence = [["1", "2"]]   # the events behind each finding, where the case is about that
    refused = "regex"         # instead of fires: the code of the error that the rules are refused with
    limits = {windows = 1}    # less room for state than usual; `counts` then tells what was forgotten
    counts = {windows_evicted = 1}

An event without `id` is numbered from 1; without `at` it comes a second after the one before; without `kind`
it is a process/exec. With `restart = N` a new scorer takes over after N events, by way of a snapshot.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from workbench.errors import InputError, Place, RuleError, RuleErrors, WorkbenchError
from workbench.event import Value, check_event
from workbench.rule.document import parse_documents
from workbench.rule.lower import lower_all
from workbench.rule.ruleset import LoadedRule, RuleSet, from_documents
from workbench.scorer import Finding, Scorer
from workbench.scorer.groups import LIMITS, Limits
from workbench.scorer.payload import FORMAT, SCORER, Payload
from workbench.scorer.plan import decode_plan

TESTS = ".test.toml"
_SECOND = 1_000_000_000


class Case(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One case of a file; see the module."""

    name: str
    events: str = ""
    rules: str = ""
    fires: list[str] = []
    evidence: list[list[str]] | None = None
    refused: str = ""
    restart: int | None = None
    placeholders: dict[str, list[str]] = {}
    limits: Limits = LIMITS
    counts: dict[str, int] = {}
    note: str = ""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    case: list[Case]
    about: str = ""


def test_beside(rule: LoadedRule) -> Path | None:
    """Give the file of cases that lies beside a rule's, when there is one."""
    file = Path(rule.document.path)
    test = file.with_name(file.stem + TESTS)
    return test if test.is_file() else None


def read_cases(file: Path) -> list[Case]:
    """Read a file of cases; raises InputError naming what is wrong."""
    try:
        return msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), _File).case
    except (OSError, ValueError) as error:
        raise InputError(
            f"not a file of cases: {error}", place=file, mend="compare with tests/spec/"
        ) from None


def read_case_events(text: str) -> Iterator[dict[str, Value]]:
    """Give a case's events; raises ValueError for one that is none.

    >>> next(read_case_events('{"at": 1.5, "kind": "file/open", "file.path": "/x"}'))["@timestamp"]
    1500000000
    """
    at = 0.0
    for number, line in enumerate(filter(str.strip, text.splitlines()), 1):
        raw: dict[str, Any] = msgspec.json.decode(line)
        at = raw.pop("at", at + 1)
        category, _, action = raw.pop("kind", "process/exec").partition("/")
        unknown: Counter[str] = Counter()
        yield check_event(
            {
                "@timestamp": round(at * _SECOND),
                "event.id": str(raw.pop("id", number)),
                "event.category": category,
                "event.action": action,
                **raw,
            },
            unknown,
        )
        if unknown:
            raise ValueError(f"event {number}: no field {min(unknown)!r}")


def lower_case(case: Case, ruleset: RuleSet | None = None) -> tuple[dict[str, Any], list[str]]:
    """Give the plan of a case's rules, or of `ruleset`, and the codes of the errors they are refused with."""
    errors: list[RuleError] = []
    if ruleset is None:
        documents = list(parse_documents(case.rules, case.name, errors))
        ruleset = from_documents(documents, placeholders=case.placeholders, errors=errors, strict=False)
    plan, more = lower_all(ruleset)
    return plan, sorted({error.code for error in [*ruleset.errors, *more]})


def run_case(case: Case, ruleset: RuleSet | None = None) -> list[str]:
    """Run a case; give what differs from what it expects, nothing when all is as it should be.

    `ruleset` stands in for a case's own rules.
    """
    plan, codes = lower_case(case, ruleset)
    if case.refused or codes:
        return (
            []
            if codes == [case.refused]
            else [f"refused with {codes}, expected {case.refused or 'no error'}"]
        )
    findings, scorer = _score(plan, case)
    found = []
    if [finding.event_id for finding in findings] != case.fires:
        found.append(f"fires on {[finding.event_id for finding in findings]}, expected {case.fires}")
    evidence = [finding.evidence for finding in findings]
    if case.evidence is not None and evidence != case.evidence:
        found.append(f"evidence {evidence}, expected {case.evidence}")
    counts = scorer.counts()
    found += [
        f"{name} is {counts.get(name)}, expected {count}"
        for name, count in case.counts.items()
        if counts.get(name) != count
    ]
    return found


def _score(plan: Mapping[str, Any], case: Case) -> tuple[list[Finding], Scorer]:
    def scorer() -> Scorer:
        payload = Payload(
            format=FORMAT, name=case.name, version="0", minimum_scorer=SCORER, plan=decode_plan(plan)
        )
        return Scorer(payload, limits=case.limits)

    running = scorer()
    findings: list[Finding] = []
    for number, event in enumerate(read_case_events(case.events)):
        if number == case.restart:
            snapshot = msgspec.json.decode(msgspec.json.encode(running.snapshot()))
            running = scorer()
            running.restore(snapshot)
        findings += running.score(event)
    return findings + running.close(), running


def run_file(file: Path, ruleset: RuleSet) -> list[RuleError]:
    """Run the tests beside a rule; give a fault for each case that differs, or that is none."""
    faults = []
    try:
        cases = read_cases(file)
    except InputError as error:
        return [RuleError(error.cause, code="test", place=Place(str(file)), mend=error.mend)]
    lines: Sequence[str] = file.read_text(encoding="utf-8").splitlines()
    for case in cases:
        try:
            differs = run_case(case, None if case.rules else ruleset)
        except (RuleErrors, WorkbenchError, ValueError) as error:
            differs = [str(error)]
        line = next((n for n, text in enumerate(lines, 1) if case.name in text), 0)
        faults += [
            RuleError(
                f"test {case.name!r}: {what}", code="test", place=Place(str(file), line), mend="mend either"
            )
            for what in differs
        ]
    return faults
