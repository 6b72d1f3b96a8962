"""Put a tried rule into `rules/`, with a test made of what it caught."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from workbench.errors import InputError
from workbench.files import write_aside
from workbench.nb.trial.trial import Trial
from workbench.rule.document import parse_documents

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_NO_TACTIC = "custom"
_SECOND = 1e9


def save(trial: Trial, name: str, rules: Path) -> tuple[Path, Path]:
    """Write `rules/TACTIC/NAME.yml` and the test beside it; gives both.

    The test replays the events behind the first finding, and demands that the rule fires. Raises InputError
    for a trial with faults or without a finding, and where another rule has that name.
    """
    if not _NAME.fullmatch(name):
        raise InputError(
            f"not a name: {name!r}", mend="small letters, digits and hyphens, as in read-then-send"
        )
    if trial.errors:
        raise InputError("the rule has faults", mend="mend them, then save")
    finding = next((one for found in trial.findings.values() for one in found), None)
    run = next((run for run, found in trial.findings.items() if found), "")
    if finding is None:
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
    events = [trial.events[key] for one in finding.evidence if (key := f"{run} {one}") in trial.events]
    begin = min(int(str(event["@timestamp"])) for event in events)
    rows = [_row(trial, dict(event), begin) for event in events]
    case = (
        f"[[case]]\nname = \"fires on what it was written for\"\nevents = '''\n{''.join(rows)}'''\n"
        f"fires = {msgspec.json.encode([str(events[-1]['event.id'])]).decode()}\n"
    )
    test = file.with_suffix(".test.toml")
    write_aside(file, trial.source.strip().encode() + b"\n")
    write_aside(test, case.encode())
    return file, test


def _row(trial: Trial, event: dict[str, object], begin: int) -> str:
    """Give an event as a case's line: its kind, time, session and what the rules look at."""
    assert trial.plan is not None
    looked_at = {predicate.field for predicate in trial.plan.predicates} | {
        *("gen_ai.conversation.id", "process.entity_id", "process.pid"),
    }
    kept = {name: value for name, value in event.items() if name in looked_at and name != "@timestamp"}
    kind = f"{event['event.category']}/{event['event.action']}"
    head = {"id": event["event.id"], "at": (int(str(event["@timestamp"])) - begin) / _SECOND, "kind": kind}
    dropped = {"event.id", "event.category", "event.action"}
    row = head | {name: value for name, value in sorted(kept.items()) if name not in dropped}
    return msgspec.json.encode(row).decode().replace("'", "\\u0027") + "\n"
