"""Rule tests and the semantics themselves as data: rules, events, and which events must fire.

A file of cases is TOML, so that an implementation in any language can read it:

    [[case]]
    name = "the last instant of the timespan counts"
    rules = '''…'''           # Sigma YAML; a rule's own test leaves it out: it is for the rules beside it
    rule = "a title"          # a rule's own test: the only rule beside it that is meant
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
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from workbench.errors import InputError, RuleError
from workbench.event import Value, check_event
from workbench.rule.document import parse_documents
from workbench.rule.lower import lower_all
from workbench.rule.ruleset import from_documents
from workbench.scorer import Scorer
from workbench.scorer.groups import LIMITS, Limits
from workbench.scorer.hits import Hit, hits_at_close, hits_of
from workbench.scorer.payload import FORMAT, SCORER, Payload
from workbench.scorer.plan import Plan, decode_plan

_SECOND = 1_000_000_000


class Case(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One case of a file; see the module."""

    name: str
    events: str = ""
    rules: str = ""
    rule: str = ""
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


def read_cases(file: Path) -> list[Case]:
    """Read a file of cases; raises InputError naming what is wrong."""
    try:
        return parse_cases(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"not a file of cases: {error}", place=file, mend="compare with tests/spec/"
        ) from None


def parse_cases(text: str) -> list[Case]:
    """Read cases from TOML; raises ValueError for what is none."""
    return msgspec.convert(tomllib.loads(text), _File).case


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


def lower_case(case: Case) -> tuple[dict[str, Any], list[str]]:
    """Give the plan of a case's own rules, and the codes of the errors they are refused with."""
    errors: list[RuleError] = []
    documents = list(parse_documents(case.rules, case.name, errors))
    ruleset = from_documents(documents, placeholders=case.placeholders, errors=errors, strict=False)
    plan, more = lower_all(ruleset)
    return plan, sorted({error.code for error in [*ruleset.errors, *more]})


def run_case(case: Case) -> list[str]:
    """Run a case on its own rules; give what differs from what it expects, nothing when all is right."""
    data, codes = lower_case(case)
    if case.refused or codes:
        wanted = case.refused or "no error"
        return [] if codes == [case.refused] else [f"refused with {codes}, expected {wanted}"]
    plan = decode_plan(data)
    payload = payload_of(plan)
    loud = {number for number, rule in enumerate(plan.rules) if not rule.silent}
    return compare_case(case, *score_case(case, Scorer(payload, limits=case.limits)), loud)


def payload_of(plan: Plan, registries: Mapping[str, Any] | None = None) -> Payload:
    """Give the content of a pack that holds nothing but a plan and, it may be, registries."""
    head = {"format": FORMAT, "name": "cases", "version": "0", "minimum_scorer": SCORER}
    return msgspec.convert({**head, "plan": plan, "registries": dict(registries or {})}, Payload)


def score_case(case: Case, scorer: Scorer) -> tuple[list[Hit], Scorer]:
    """Score a case's events; give all that rules of the scorer match, and the scorer that saw the last."""
    hits: list[Hit] = []
    for number, event in enumerate(read_case_events(case.events)):
        if number == case.restart:
            snapshot = msgspec.json.decode(msgspec.json.encode(scorer.snapshot()))
            scorer = scorer.anew()
            scorer.restore(snapshot)
        hits += hits_of(scorer, event)
    return [*hits, *hits_at_close(scorer)], scorer


def compare_case(case: Case, hits: Iterable[Hit], scorer: Scorer, rules: Container[int]) -> list[str]:
    """Tell what differs from what a case expects of the rules of these numbers."""
    counted = [hit for hit in hits if hit.rule in rules]
    found = []
    if [hit.event_id for hit in counted] != case.fires:
        found.append(f"fires on {[hit.event_id for hit in counted]}, expected {case.fires}")
    evidence = [hit.evidence for hit in counted]
    if case.evidence is not None and evidence != case.evidence:
        found.append(f"evidence {evidence}, expected {case.evidence}")
    counts = scorer.counts()
    found += [
        f"{name} is {counts.get(name)}, expected {count}"
        for name, count in case.counts.items()
        if counts.get(name) != count
    ]
    return found
