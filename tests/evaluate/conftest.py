"""A small world to evaluate in: few rules, and recordings made up event by event, so that tests are quick."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.dataset.recording import write_recording
from workbench.dataset.session import Label, Session
from workbench.event import Value
from workbench.pack import build_payload
from workbench.rule import load

RULES = """title: Key is sent out
id: 11111111-0000-4000-8000-000000000001
logsource: {category: network_connection}
detection:
  s: {Image|endswith: /curl, DestinationPort: 443}
  condition: s
tags: [attack.t1041]
workbench: {risk: 90, response: alert}
---
title: Key file is opened
id: 11111111-0000-4000-8000-000000000002
logsource: {category: file_access}
detection:
  s: {TargetFilename|endswith: .pem, Image|endswith: /cat}
  condition: s
workbench: {risk: 30, response: audit}
---
title: Anything deletes
id: 11111111-0000-4000-8000-000000000003
logsource: {category: file_delete}
detection: {s: {TargetFilename|contains: /}, condition: s}
workbench: {risk: 80, response: block}
"""
SEND, OPEN, DELETE = (f"11111111-0000-4000-8000-00000000000{n}" for n in (1, 2, 3))
CURL, CAT, RM = "/usr/bin/curl", "/usr/bin/cat", "/bin/rm"
SECOND = 1_000_000_000
BEGIN = 1_700_000_000 * SECOND

Step = tuple[str, dict[str, Value]]
"""A step's label ("" for benign work) and the fields of an event."""


def opened(path: str, by: str = CAT) -> dict[str, Value]:
    return {"event.category": "file", "event.action": "open", "file.path": path, "process.executable": by}


def deleted(path: str, by: str = RM) -> dict[str, Value]:
    return {"event.category": "file", "event.action": "delete", "file.path": path, "process.executable": by}


def network(action: str, host: str, by: str = CURL) -> dict[str, Value]:
    where: dict[str, Value] = {"destination.ip": host, "destination.port": 443, "network.direction": "egress"}
    return {"event.category": "network", "event.action": action, "process.executable": by, **where}


def call(name: str) -> dict[str, Value]:
    return {
        "event.category": "agent",
        "event.action": "tool_call",
        "gen_ai.tool.name": "bash",
        "gen_ai.tool.call.id": name,
    }


Record = Callable[..., Path]


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """Write one recording a second an event; a step's label is malicious when it is named."""

    def write(name: str, steps: list[Step], **settings: str) -> Path:
        events = []
        labels = []
        calls = ""
        for number, (step, fields) in enumerate(steps):
            calls = str(fields.get("gen_ai.tool.call.id", calls))
            event: dict[str, Value] = {
                "@timestamp": BEGIN + number * SECOND,
                "event.sequence": number,
                "event.id": f"{name}-{number}",
                "gen_ai.conversation.id": name,
                "gen_ai.tool.call.id": calls,
                **fields,
            }
            events.append({key: value for key, value in event.items() if value != ""})
            labels.append(
                Label(
                    event_id=f"{name}-{number}",
                    label="malicious" if step else "benign",
                    step=step,
                    techniques=["T1041"] if step == "send" else [],
                )
            )
        session = Session(
            id=name,
            agent="codex",
            source="bcc",
            started=BEGIN,
            ended=BEGIN + len(steps) * SECOND,
            settings={"scenario": name.rstrip("0123456789"), **settings},
        )
        return write_recording(tmp_path / "recordings" / name, events, session, labels).path

    return write


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    file = tmp_path / "rules.yml"
    file.write_text(RULES)
    return file


@pytest.fixture
def small(rules: Path) -> bytes:
    return build_payload(load([rules]), "small", "1", registries={})
