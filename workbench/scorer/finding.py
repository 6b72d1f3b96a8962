"""Findings: what a scorer says when a rule fires."""

from __future__ import annotations

import msgspec


class Finding(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One rule firing; `timestamp` is nanoseconds since 1970, `confidence` 0 to 1.

    `event_id` is the event that completed it, `evidence` every event in step order, `steps` the rules they
    matched.
    """

    rule_id: str
    rule_title: str
    level: str
    signal: str
    risk: int
    response: str
    confidence: float = 1.0
    timestamp: int
    event_id: str
    evidence: list[str] = []
    steps: list[str] = []
    session: str = ""
    entity_id: str = ""
    tool_call_id: str = ""
    actor: str = ""
    reason: str = ""
    provenance_path: list[str] = []
    tags: list[str] = []
