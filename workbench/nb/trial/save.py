"""Put a tried rule into `rules/`, with a test made of what it caught: its shortest witness there."""

from __future__ import annotations

import re
from pathlib import Path

from workbench.errors import InputError
from workbench.evaluate.witness.case_text import case_text
from workbench.evaluate.witness.oracle import Oracle
from workbench.evaluate.witness.scan import scan
from workbench.evaluate.witness.witness import shortest
from workbench.files import write_aside
from workbench.nb.trial.runs import Run
from workbench.nb.trial.trial import Trial
from workbench.registry import load_all
from workbench.rule.document import parse_documents
from workbench.rule.vectors import payload_of
from workbench.scorer import Scorer

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_NO_TACTIC = "custom"


def save(trial: Trial, name: str, rules: Path) -> tuple[Path, Path]:
    """Write `rules/TACTIC/NAME.yml` and the test beside it; gives both.

    The test holds the least of the first recording with a finding on which the rule fires. Raises InputError
    for a trial with faults or without a finding, and where another rule has that name.
    """
    if not _NAME.fullmatch(name):
        raise InputError(
            f"not a name: {name!r}", mend="small letters, digits and hyphens, as in read-then-send"
        )
    if trial.errors:
        raise InputError("the rule has faults", mend="mend them, then save")
    run = next((run for run in trial.runs if trial.findings.get(run.name)), None)
    if run is None:
        raise InputError(
            "the rule found nothing, so there is no test to make", mend="try it on other recordings"
        )
    data = next(parse_documents(trial.source, "rule", [])).data
    tags = [str(tag) for tag in data.get("tags") or ()]
    tactic = next((tag[7:] for tag in tags if tag.startswith("attack.") and ".t" not in tag), _NO_TACTIC)
    file = rules / re.sub(r"[^a-z-]", "-", tactic) / f"{name}.yml"
    if file.exists():
        known = next(parse_documents(file.read_text(), "", []), None)
        if known is None or known.data.get("title") != data.get("title"):
            raise InputError("another rule has this name", place=file, mend="choose another")
    case = _witness(trial, run)
    test = file.with_suffix(".test.toml")
    write_aside(file, trial.source.strip().encode() + b"\n")
    write_aside(test, case.encode())
    return file, test


def _witness(trial: Trial, run: Run) -> str:
    assert trial.plan is not None
    finding = trial.findings[run.name][0]
    rule = next(number for number, rule in enumerate(trial.plan.rules) if rule.id == finding.rule_id)
    payload = payload_of(trial.plan, load_all())
    oracle = Oracle(trial.plan, [rule], payload.registries)
    guilty = run.malicious.intersection(finding.evidence)
    seen = scan(run.events, Scorer(payload), {rule}, name=run.name, story=run.scenario, guilty=guilty)
    witness = shortest(seen, rule, oracle)
    assert witness is not None, "what fired on these events fires on them again"
    return case_text(witness, oracle.completions(rule, witness.events), rule=finding.rule_title)
