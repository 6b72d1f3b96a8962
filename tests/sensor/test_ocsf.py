"""Findings as OCSF: what another product needs, in the schema's own places and units."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.event import Event
from workbench.fields import FIELDS
from workbench.scorer import Finding
from workbench.sensor.alert import alert_to_ocsf
from workbench.sensor.containment import Contained
from workbench.sensor.ocsf import artifacts, finding_uid, to_ocsf

EVENT: Event = {
    "@timestamp": 1_767_225_600_123_456_789,
    "event.id": "e0",
    "process.pid": 7,
    "process.start": 1_767_225_600_000_000_000,
    "file.path": "/home/ada/.ssh/id_ed25519",
    "destination.ip": "192.0.2.1",
}


def test_times_are_milliseconds(make: Any) -> None:
    told = to_ocsf(make.finding(123_456_789), [EVENT])
    assert told["time"] == told["finding_info"]["created_time"] == 1_767_225_600_123
    (evidence,) = to_ocsf(make.finding(), [EVENT])["evidences"]
    assert evidence["process"]["created_time"] == 1_767_225_600_000
    assert evidence["data"]["time"] == 1_767_225_600_123


def test_techniques_are_told_with_their_sub_techniques(make: Any) -> None:
    told = to_ocsf(make.finding())["finding_info"]["attacks"]
    assert [attack["technique"]["uid"] for attack in told] == ["T1041", "T1552", "AML.T0086"]
    assert told[1]["sub_technique"]["uid"] == "T1552.001"


@pytest.mark.parametrize(
    ("level", "severity"),
    [("informational", 1), ("low", 2), ("medium", 3), ("high", 4), ("critical", 5), ("odd", 99)],
)
def test_levels_are_severities(make: Any, level: str, severity: int) -> None:
    assert to_ocsf(make.finding(level=level))["severity_id"] == severity


def test_a_finding_keeps_its_name_and_no_two_share_one(make: Any) -> None:
    assert finding_uid(make.finding(1)) == finding_uid(make.finding(1, reason="told otherwise"))
    assert finding_uid(make.finding(1)) != finding_uid(make.finding(2))
    assert finding_uid(make.finding(1)) != finding_uid(make.finding(1, session="s2"))


def test_what_was_stopped_is_a_block_and_what_was_not_is_none(make: Any) -> None:
    alert = make.alert()
    assert alert_to_ocsf(alert)["disposition"] == "Alert"
    alert.action = "contained"
    assert alert_to_ocsf(alert)["disposition_id"] == 2


@given(st.dictionaries(st.sampled_from(sorted(FIELDS)), st.integers(0, 2**62)))
def test_any_event_has_its_artifacts(event: dict[str, int]) -> None:
    assert isinstance(artifacts(event), dict)


@given(
    level=st.text(max_size=9),
    confidence=st.floats(0, 1),
    risk=st.integers(0, 100),
    tags=st.lists(st.text(max_size=12)),
)
def test_the_schema_holds_for_any_finding(level: str, confidence: float, risk: int, tags: list[str]) -> None:
    models = pytest.importorskip("py_ocsf_models.events.findings.detection_finding")
    finding = Finding(
        rule_id="r",
        rule_title="t",
        level=level,
        signal="pattern",
        risk=risk,
        response="alert",
        confidence=confidence,
        timestamp=1,
        event_id="e0",
        tags=tags,
    )
    models.DetectionFinding.model_validate(to_ocsf(finding, [EVENT]))


@pytest.mark.parametrize("action", ["observed", "would_block", "contained", "prevented"])
def test_the_schema_holds_for_what_sinks_send(make: Any, action: str) -> None:
    models = pytest.importorskip("py_ocsf_models.events.findings.detection_finding")
    alert = make.alert()
    alert.action, alert.evidence, alert.contained = action, [EVENT], Contained(killed=["sh[1]"])
    models.DetectionFinding.model_validate(alert_to_ocsf(alert))
