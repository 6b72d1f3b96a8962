"""Alerts: a finding with its verdict, what was done about it, and the incident it belongs to."""

from __future__ import annotations

from typing import Any

import msgspec

from workbench.event import Value
from workbench.scorer import Finding
from workbench.scorer.verdict import Verdict
from workbench.sensor.containment import Contained
from workbench.sensor.ocsf import finding_uid, to_ocsf

_OBSERVED, _DENIED = (3, "Observed"), (2, "Denied")
_ACTIONS = {"observed": _OBSERVED, "would_block": _OBSERVED, "contained": _DENIED, "prevented": _DENIED}
_ALERTED, _BLOCKED = (19, "Alert"), (2, "Blocked")


class Alert(msgspec.Struct, kw_only=True, omit_defaults=True):
    """`action` is observed, would_block (enforcement was off), contained (killed) or prevented (denied).

    `repeated` counts the further findings that it stands for.
    """

    finding: Finding
    verdict: Verdict
    action: str = "observed"
    incident: str = ""
    contained: Contained | None = None
    reason: str = ""
    repeated: int = 0
    evidence: list[dict[str, Value]] = []
    pack: str = ""
    host: str = ""

    @property
    def uid(self) -> str:
        """Name the finding: what a receiver tells repeated deliveries by."""
        return finding_uid(self.finding)


# Made before any thread: msgspec 0.22 works a type out at its first use, and crashes when two threads do so.
decode_alert = msgspec.json.Decoder(Alert).decode
"""Gives the alert of a line of JSON; raises ValueError when it is none."""


def alert_to_ocsf(alert: Alert) -> dict[str, Any]:
    """Give the alert as an OCSF Detection Finding with the security_control profile."""
    ocsf = to_ocsf(alert.finding, list(alert.evidence))
    action_id, action = _ACTIONS[alert.action]
    disposition_id, disposition = _BLOCKED if alert.action in ("contained", "prevented") else _ALERTED
    ocsf["metadata"] |= {"profiles": ["security_control"], "correlation_uid": alert.incident}
    ocsf |= {
        "action_id": action_id,
        "action": action,
        "disposition_id": disposition_id,
        "disposition": disposition,
        "count": 1 + alert.repeated,
    }
    ocsf["unmapped"] |= {
        "done": alert.action,
        "verdict": msgspec.to_builtins(alert.verdict),
        "pack": alert.pack,
        "host": alert.host,
        **({"contained": msgspec.to_builtins(alert.contained)} if alert.contained else {}),
    }
    return ocsf
