"""What is done about a finding: a denied act is told once, and hides nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.sensor.conftest import make_finding
from workbench.scorer.plan import Rule
from workbench.scorer.verdict import Verdict
from workbench.sensor.alert import Alert
from workbench.sensor.audit import AuditLog
from workbench.sensor.means.chosen import Prevented
from workbench.sensor.respond import Responder
from workbench.sensor.tree import Tree

OPEN = {
    "@timestamp": 1,
    "event.category": "file",
    "event.action": "open",
    "event.outcome": "failure",
    "event.id": "e1",
    "file.path": "/home/dev/.ssh/id",
    "process.pid": 42,
}


class Outbox:
    def __init__(self) -> None:
        self.alerts: list[Alert] = []

    def put(self, alert: Alert) -> int:
        self.alerts.append(alert)
        return 0

    def keep_house(self) -> dict[str, int]:
        return {}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, ["prevented"]),
        ({"event.action": "rename", "event.outcome": "success"}, ["prevented", "would_block"]),
        ({"event.outcome": "success"}, ["prevented", "would_block"]),
        ({"file.path": "/home/dev/.netrc"}, ["prevented", "would_block"]),
        ({"process.pid": 43}, ["prevented", "would_block"]),
    ],
    ids=[
        "the denied act",
        "another act that worked",
        "the same one later",
        "another file",
        "another process",
    ],
)
def test_of_a_denied_act_only_its_failure_is_not_told_again(
    tmp_path: Path, changed: dict[str, Any], told: list[str]
) -> None:
    outbox, audit = Outbox(), AuditLog(tmp_path / "a.jsonl", Ed25519PrivateKey.generate())
    responder = Responder(audit, outbox, Tree())
    rule = Rule(id="r1", title="Key", risk=100, response="block", kinds=["file/open"], condition=0)
    responder.prevented(Prevented(rule=rule, means="fanotify", event=OPEN, pid=42), "s1", "", "p 1")
    finding = make_finding(1, response="block", rule_title="Another rule", rule_id="r2")
    responder.report(finding, Verdict(score=90.0, decision="block"), [], "p 1", {**OPEN, **changed})
    responder.close()
    audit.close()
    assert [alert.action for alert in outbox.alerts] == told
