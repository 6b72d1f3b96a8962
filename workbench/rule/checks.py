"""What is doubtful about a rule that can be honoured: meaning first, then style."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from sigma.rule import SigmaDetection, SigmaDetectionItem, SigmaRule
from sigma.types import SigmaNumber, SigmaString

from workbench.errors import RuleError
from workbench.fields import resolve
from workbench.rule.logsource import is_auditd, kinds_of
from workbench.rule.ruleset import LoadedRule
from workbench.rule.techniques import techniques, techniques_of
from workbench.rule.unseen import fields_of, unseen_in
from workbench.scorer import auditd

Check = Callable[[LoadedRule], Iterator[RuleError]]

# Field prefix → the categories of the events that hold such fields.
_FILLED_BY = {
    "dns.": {"network"},
    "destination.": {"network"},
    "source.": {"network"},
    "network.": {"network"},
    "tls.": {"network"},
    "http.": {"network"},
    "url.": {"network", "agent"},
    "user_agent.": {"network"},
    "file.": {"file", "process"},
    "io.": {"file"},
    "control.": {"control"},
}
_TITLE = 110


def check_rule(rule: LoadedRule) -> list[RuleError]:
    """Give what is doubtful about a rule."""
    return [fault for check in _CHECKS for fault in check(rule)]


def _identity(rule: LoadedRule) -> Iterator[RuleError]:
    if rule.sigma.id is None:
        yield rule.document.fault(
            "no id", "title", code="no-id", mend="give a UUID, such as `uuidgen` prints"
        )
    if rule.sigma.level is None and not rule.extension.label:
        yield rule.document.fault("no level", "title", code="no-level", mend="informational … critical")
    if len(rule.sigma.title) > _TITLE or rule.sigma.title.endswith("."):
        mend = f"at most {_TITLE} characters, no full stop"
        yield rule.document.fault("the title is a sentence", "title", code="title", mend=mend)
    if not rule.sigma.description:
        yield rule.document.fault(
            "no description", "title", code="no-description", mend="two sentences will do"
        )


def _technique(rule: LoadedRule) -> Iterator[RuleError]:
    named = techniques_of(map(str, rule.sigma.tags))
    if not named:
        mend = "add a tag such as attack.t1552.001 or atlas.aml.t0024"
        yield rule.document.fault("no ATT&CK or ATLAS technique", "tags", code="no-technique", mend=mend)
    for one in named:
        if one not in techniques():
            cause = f"there is no technique {one} in the pinned ATT&CK and ATLAS"
            mend = "see workbench/rule/techniques.tsv"
            yield rule.document.fault(cause, "tags", code="unknown-technique", mend=mend)


def _unused(rule: LoadedRule) -> Iterator[RuleError]:
    if not isinstance(rule.sigma, SigmaRule):
        return
    words = set(re.findall(r"[A-Za-z0-9_*]+", " ".join(rule.sigma.detection.condition)))
    if "them" in words:
        return
    patterns = [re.compile(re.escape(word).replace(r"\*", ".*")) for word in words]
    for name in rule.sigma.detection.detections:
        if not name.startswith("_") and not any(pattern.fullmatch(name) for pattern in patterns):
            yield rule.document.fault(
                f"detection {name!r} is never used", "detection", name, code="unused", mend="use or remove it"
            )


def _unseen(rule: LoadedRule) -> Iterator[RuleError]:
    """Fields that Sigma knows but no source here sees: what names them stays silent."""
    if not isinstance(rule.sigma, SigmaRule):
        return
    for name, detection in rule.sigma.detection.detections.items():
        for field in unseen_in(rule.sigma, detection):
            cause = f"no source sees {field!r}: what asks for it stays silent"
            mend = "name a field that a source fills, see docs/rules.md"
            yield rule.document.fault(cause, "detection", name, code="unfilled", mend=mend)


def _unwritten(rule: LoadedRule) -> Iterator[RuleError]:
    """Records and system calls that the auditd view never has."""
    if not isinstance(rule.sigma, SigmaRule) or not is_auditd(rule.sigma.logsource):
        return
    calls = {str(part) for call in auditd.SYSCALLS.values() for part in call}
    written = {"type": set(auditd.RECORDS), "SYSCALL": calls, "syscall": calls}
    for name, detection in rule.sigma.detection.detections.items():
        for item in detection.detection_items:
            if isinstance(item, SigmaDetection) or item.field not in written:
                continue
            values = [str(value) for value in item.value if isinstance(value, SigmaString | SigmaNumber)]
            known = {one.casefold() for one in written[item.field]}
            if values and not item.modifiers and known.isdisjoint(map(str.casefold, values)):
                cause = f"no record has {item.field} {' or '.join(values)}: what asks for it stays silent"
                mend = "the records are listed in docs/rules.md"
                yield rule.document.fault(cause, "detection", name, code="unfilled", mend=mend)
        for field, record in _elsewhere(detection):
            cause = f"a {record} record has no {field}: what asks for both stays silent"
            mend = "each record is matched by itself; see the records in docs/rules.md"
            yield rule.document.fault(cause, "detection", name, code="unfilled", mend=mend)


def _elsewhere(detection: SigmaDetection) -> Iterator[tuple[str, str]]:
    """Give the fields that a detection wants of a record which has no such field, with that record."""
    items = [item for item in detection.detection_items if isinstance(item, SigmaDetectionItem)]
    if len(items) < len(detection.detection_items):
        return
    types = [item for item in items if item.field == "type" and not item.modifiers]
    records = {str(value).upper() for item in types for value in item.value}
    if not records or not records <= auditd.RECORDS.keys():
        return
    for item in items:
        field = item.field or "type"
        holders = {record for record in auditd.RECORDS if auditd.holds(record, field)}
        if holders and holders.isdisjoint(records):
            yield field, " or ".join(sorted(records))


def _unfilled(rule: LoadedRule) -> Iterator[RuleError]:
    """Fields that no event of the rule's kinds holds."""
    if not isinstance(rule.sigma, SigmaRule) or is_auditd(rule.sigma.logsource):
        return
    categories = {kind.partition("/")[0] for kind in kinds_of(rule.sigma.logsource)}
    for name, detection in rule.sigma.detection.detections.items():
        for field in sorted(fields_of(detection)):
            dotted = resolve(field) or ""
            holders = next((by for prefix, by in _FILLED_BY.items() if dotted.startswith(prefix)), None)
            if categories and holders is not None and not categories & holders:
                yield rule.document.fault(
                    f"{field} is never filled for {', '.join(sorted(categories))} events",
                    "detection",
                    name,
                    code="unfilled",
                    mend="choose another category or field",
                )


_CHECKS: tuple[Check, ...] = (
    _identity,
    _technique,
    _unused,
    _unseen,
    _unwritten,
    _unfilled,
)
