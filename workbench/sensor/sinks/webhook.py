"""Webhooks: OCSF findings, or bodies that Slack and PagerDuty take, signed with HMAC-SHA-256.

The signature is in `X-Workbench-Signature: t=SECONDS,v1=HEX`, over `SECONDS.` and the body, with the key in
`$WORKBENCH_WEBHOOK_KEY`; a receiver refuses what is old. PagerDuty's routing key is in
`$WORKBENCH_PAGERDUTY_KEY`.
"""

from __future__ import annotations

import hmac
import os
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

import msgspec

from workbench.errors import InputError
from workbench.sensor.alert import Alert, alert_to_ocsf
from workbench.sensor.blocked import plain
from workbench.sensor.sinks import name_of
from workbench.sensor.sinks.post import post

KEY = "WORKBENCH_WEBHOOK_KEY"
PAGERDUTY_KEY = "WORKBENCH_PAGERDUTY_KEY"
_PAGERDUTY_SEVERITIES = {"critical": "critical", "high": "error", "medium": "warning"}
_ACTIONS = {
    "observed": "seen",
    "would_block": "seen; would have been blocked",
    "contained": "stopped",
    "prevented": "denied",
}


def signature(key: bytes, body: bytes, at: int) -> str:
    """Give the signature header of a body sent at `at`, seconds since 1970.

    >>> signature(b"key", b"{}", 1767225600)[:21]
    't=1767225600,v1=df344'
    """
    return f"t={at},v1={hmac.new(key, b'%d.' % at + body, sha256).hexdigest()}"


def slack(alert: Alert) -> dict[str, Any]:
    """Give a Slack message; what an agent chose is plain text there, never markup or a mention."""
    finding = alert.finding
    fields = {
        "Level": finding.level,
        "Action": _ACTIONS[alert.action],
        "Agent": str(next((e["gen_ai.agent.name"] for e in alert.evidence if "gen_ai.agent.name" in e), "")),
        "Host": alert.host,
        "Session": finding.session,
        "Incident": alert.incident,
    }
    title = plain(finding.rule_title or finding.rule_id, 140)
    return {
        "text": _escaped(f"{finding.level}: {title}"),
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": title, "emoji": False}},
            {
                "type": "section",
                "fields": [
                    {"type": "plain_text", "text": f"{name}: {plain(value)}", "emoji": False}
                    for name, value in fields.items()
                    if value
                ],
            },
            {
                "type": "section",
                "text": {"type": "plain_text", "text": plain(finding.reason or "-", 2_000), "emoji": False},
            },
        ],
    }


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def pagerduty(alert: Alert) -> dict[str, Any]:
    """Give a PagerDuty event (Events API v2); one incident's alerts are one there."""
    finding = alert.finding
    return {
        "routing_key": os.environ.get(PAGERDUTY_KEY, ""),
        "event_action": "trigger",
        "dedup_key": alert.incident,
        "payload": {
            "summary": plain(f"{finding.rule_title or finding.rule_id} on {alert.host}", 1_024),
            "source": alert.host or "unknown",
            "severity": _PAGERDUTY_SEVERITIES.get(finding.level, "info"),
            "class": finding.rule_id,
            "group": finding.session,
            "custom_details": {"action": _ACTIONS[alert.action], "reason": plain(finding.reason, 2_000)},
        },
    }


SHAPES: dict[str, Callable[[Alert], dict[str, Any]]] = {
    "ocsf": alert_to_ocsf,
    "slack": slack,
    "pagerduty": pagerduty,
}


class Webhook:
    """Posts each alert by itself; what the receiver has taken is not sent again in this run."""

    def __init__(self, name: str, url: str, shape: Callable[[Alert], dict[str, Any]], key: bytes) -> None:
        self.name, self._url, self._shape, self._key = name, url, shape, key
        self._taken: set[tuple[str, int]] = set()

    def send(self, alerts: list[Alert]) -> None:
        """Send; raises SinkError when the receiver refuses one, with those before it taken."""
        for alert in alerts:
            if (alert.uid, alert.repeated) in self._taken:
                continue
            body = msgspec.json.encode(self._shape(alert))
            headers = {"X-Workbench-Id": alert.uid}
            if self._key:
                headers["X-Workbench-Signature"] = signature(self._key, body, int(time.time()))
            post(self._url, body, headers)
            self._taken.add((alert.uid, alert.repeated))
        self._taken.clear()


def open_url(url: str) -> Webhook:
    """Open an http or https URL; `?shape=` is ours and is not sent.

    Raises InputError for an unknown shape.
    """
    parts = urlsplit(url)
    shape = parse_qs(parts.query).get("shape", ["ocsf"])[0]
    if not parts.hostname:
        raise InputError(f"no receiver in {url[:80]!r}", mend="https://HOST/PATH")
    if shape not in SHAPES:
        raise InputError(f"no webhook shape {shape[:40]!r}", mend=f"one of {', '.join(SHAPES)}")
    query = "&".join(part for part in parts.query.split("&") if part and not part.startswith("shape="))
    if shape == "pagerduty" and not os.environ.get(PAGERDUTY_KEY):
        raise InputError("PagerDuty needs a routing key", mend=f"set ${PAGERDUTY_KEY}")
    return Webhook(
        name_of(url), urlunsplit(parts._replace(query=query)), SHAPES[shape], os.environ.get(KEY, "").encode()
    )
