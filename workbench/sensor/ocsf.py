"""Findings as OCSF Detection Findings (class 2004), https://schema.ocsf.io/1.5.0/classes/detection_finding."""

from __future__ import annotations

from hashlib import sha256
from importlib.metadata import version
from typing import Any

from workbench.event import Event, Value, integer
from workbench.fields import FIELDS
from workbench.scorer import Finding

SCHEMA = "1.5.0"
_FINDINGS, _DETECTION_FINDING, _CREATE, _NEW, _RULE = 2, 2004, 1, 1, 1
_SEVERITIES = {
    "informational": (1, "Informational"),
    "low": (2, "Low"),
    "medium": (3, "Medium"),
    "high": (4, "High"),
    "critical": (5, "Critical"),
}
_RISK_LEVELS = ((90, 4, "Critical"), (70, 3, "High"), (40, 2, "Medium"), (20, 1, "Low"), (0, 0, "Info"))
_CONFIDENCES = ((0.8, 3, "High"), (0.5, 2, "Medium"), (0.0, 1, "Low"))
_OWN = ("time", "metadata.")  # where the finding's own stand


def finding_uid(finding: Finding) -> str:
    """Name a finding: SHA-256 of its rule, session and evidence, hexadecimal; always the same."""
    parts = [finding.rule_id, finding.session, finding.event_id, str(finding.timestamp), *finding.evidence]
    return sha256("\0".join(parts).encode()).hexdigest()


def to_ocsf(finding: Finding, evidence: list[Event] | None = None) -> dict[str, Any]:
    """Give the finding as an OCSF Detection Finding; times are milliseconds since 1970.

    `evidence` are the events behind it, where they are at hand; their ids are told in any case.

    >>> finding = Finding(rule_id="r1", rule_title="Key sent out", level="high", signal="pattern", risk=85,
    ...                   response="alert", timestamp=1767225600123456789, event_id="e1",
    ...                   tags=["attack.t1041"])
    >>> ocsf = to_ocsf(finding)
    >>> ocsf["type_uid"], ocsf["time"], ocsf["severity"], ocsf["finding_info"]["attacks"]
    (200401, 1767225600123, 'High', [{'technique': {'uid': 'T1041', 'name': 'T1041'}}])
    """
    severity_id, severity = _SEVERITIES.get(finding.level, (99, "Other"))
    at = finding.timestamp // 1_000_000
    uid = finding_uid(finding)
    confidence = round(100 * finding.confidence)
    _, confidence_id, confidence_name = next(row for row in _CONFIDENCES if finding.confidence >= row[0])
    _, risk_id, risk_name = next(row for row in _RISK_LEVELS if finding.risk >= row[0])
    return {
        "activity_id": _CREATE,
        "activity_name": "Create",
        "category_uid": _FINDINGS,
        "category_name": "Findings",
        "class_uid": _DETECTION_FINDING,
        "class_name": "Detection Finding",
        "type_uid": 100 * _DETECTION_FINDING + _CREATE,
        "type_name": "Detection Finding: Create",
        "time": at,
        "severity_id": severity_id,
        "severity": severity,
        "status_id": _NEW,
        "status": "New",
        "is_alert": finding.response != "audit",
        "message": finding.reason or finding.rule_title,
        "confidence_id": confidence_id,
        "confidence": confidence_name,
        "confidence_score": confidence,
        "risk_score": finding.risk,
        "risk_level_id": risk_id,
        "risk_level": risk_name,
        "metadata": {
            "version": SCHEMA,
            "uid": uid,
            **({"correlation_uid": finding.session} if finding.session else {}),
            "product": {
                "name": "Agent Detection Workbench",
                "vendor_name": "Agent Detection Workbench",
                "version": version("agent-detection-workbench"),
            },
        },
        "finding_info": {
            "uid": uid,
            "title": finding.rule_title or finding.rule_id,
            "desc": finding.reason,
            "created_time": at,
            "first_seen_time": at,
            "analytic": {
                "uid": finding.rule_id,
                "name": finding.rule_title or finding.rule_id,
                "type_id": _RULE,
                "type": "Rule",
                "category": finding.signal,
            },
            "attacks": attacks(finding.tags),
            "types": [finding.signal],
        },
        "evidences": _evidences(finding, evidence or []),
        "unmapped": {
            name: value
            for name, value in {
                "session": finding.session,
                "process_entity_id": finding.entity_id,
                "tool_call_id": finding.tool_call_id,
                "actor": finding.actor,
                "steps": finding.steps,
                "provenance_path": finding.provenance_path,
                "response": finding.response,
            }.items()
            if value
        },
    }


def attacks(tags: list[str]) -> list[dict[str, Any]]:
    """Give the ATT&CK and ATLAS techniques that Sigma tags name; an id stands for a name we do not have.

    >>> attacks(["attack.t1552.001", "attack.exfiltration", "atlas.aml.t0086"])[0]["sub_technique"]
    {'uid': 'T1552.001', 'name': 'T1552.001'}
    """
    found: list[dict[str, Any]] = []
    for tag in tags:
        namespace, _, rest = tag.partition(".")
        name = rest.upper()
        if namespace == "atlas" and name.startswith("AML.T"):
            found.append({"technique": _named(name)})
        elif namespace == "attack" and name[:1] == "T" and name[1:2].isdecimal():
            technique, _, sub = name.partition(".")
            told = {"technique": _named(technique)}
            found.append(told | {"sub_technique": _named(name)} if sub else told)
    return found


def _named(uid: str) -> dict[str, str]:
    return {"uid": uid, "name": uid}


def _evidences(finding: Finding, events: list[Event]) -> list[dict[str, Any]]:
    known = {str(event.get("event.id", "")): event for event in events}
    steps = dict(zip(finding.evidence, finding.steps, strict=False))
    return [
        {
            "name": steps.get(event_id, "event"),
            "data": {"event_id": event_id},
            **artifacts(known.get(event_id)),
        }
        for event_id in dict.fromkeys(finding.evidence or [finding.event_id])
    ]


def artifacts(event: Event | None) -> dict[str, Any]:
    """Give an event's fields in their places of the OCSF evidence object, as the field table has them.

    >>> artifacts({"@timestamp": 0, "file.path": "/etc/shadow", "file.name": "shadow"})["file"]
    {'path': '/etc/shadow', 'name': 'shadow'}
    """
    placed: dict[str, Any] = {}
    if event is None:
        return placed
    for name, value in event.items():
        field = FIELDS.get(name)
        if field is None or not field.ocsf or field.ocsf.startswith(_OWN):
            continue
        told = integer(event, name) // 1_000_000 if field.kind == "timestamp" else value
        _put(placed, field.ocsf.split("."), told)
    if at := integer(event, "@timestamp"):
        placed["data"] = {"event_id": event.get("event.id", ""), "time": at // 1_000_000}
    return placed


def _put(tree: dict[str, Any], path: list[str], value: Value) -> None:
    for part in path[:-1]:
        branch = tree.setdefault(part, {})
        if not isinstance(branch, dict):
            return
        tree = branch
    tree[path[-1]] = value
