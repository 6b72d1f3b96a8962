"""OpenTelemetry logs: OTLP over HTTP with JSON, https://opentelemetry.io/docs/specs/otlp/#otlphttp."""

from __future__ import annotations

import time
from importlib.metadata import version
from itertools import groupby
from typing import Any
from urllib.parse import urlsplit

import msgspec

from workbench.errors import InputError
from workbench.sensor.alert import Alert, alert_to_ocsf
from workbench.sensor.sinks import Refused, name_of
from workbench.sensor.sinks.post import post

_SEVERITIES = {"informational": 9, "low": 10, "medium": 13, "high": 17, "critical": 21}


def export_request(alerts: list[Alert]) -> dict[str, Any]:
    """Give an ExportLogsServiceRequest; the body of each record is the OCSF finding, as text."""
    return {
        "resourceLogs": [
            {
                "resource": {
                    "attributes": _attributes({"service.name": "workbench-sensor", "host.name": host})
                },
                "scopeLogs": [
                    {
                        "scope": {
                            "name": "workbench.sensor",
                            "version": version("agent-detection-workbench"),
                        },
                        "logRecords": [_record(alert) for alert in same],
                    }
                ],
            }
            for host, same in groupby(alerts, lambda alert: alert.host)
        ]
    }


def _record(alert: Alert) -> dict[str, Any]:
    finding = alert.finding
    attributes = {
        "event.id": alert.uid,
        "gen_ai.conversation.id": finding.session,
        "gen_ai.tool.call.id": finding.tool_call_id,
        "security_rule.uuid": finding.rule_id,
        "security_rule.name": finding.rule_title,
        "workbench.incident": alert.incident,
        "workbench.action": alert.action,
    }
    return {
        "timeUnixNano": str(finding.timestamp),
        "observedTimeUnixNano": str(time.time_ns()),
        "severityNumber": _SEVERITIES.get(finding.level, 0),
        "severityText": finding.level,
        "eventName": "detection_finding",
        "body": {"stringValue": msgspec.json.encode(alert_to_ocsf(alert)).decode()},
        "attributes": _attributes(attributes),
    }


def _attributes(values: dict[str, str]) -> list[dict[str, Any]]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in values.items() if value]


class Otlp:
    """Posts a batch of alerts as log records."""

    def __init__(self, name: str, url: str) -> None:
        self.name, self._url = name, url

    def send(self, alerts: list[Alert]) -> None:
        """Send; raises SinkError when the collector does not take them, Refused when it rejects any."""
        if not alerts:
            return
        answer = post(self._url, msgspec.json.encode(export_request(alerts)), {})
        if rejected := _rejected(answer):
            raise Refused(f"the collector rejected {rejected} of {len(alerts)} log records")


def _rejected(answer: bytes) -> int:
    """Give how many records an answer says were rejected: it is a success all the same, by its status."""
    try:
        told = msgspec.json.decode(answer)
        return int(told["partialSuccess"]["rejectedLogRecords"])
    except (ValueError, KeyError, TypeError):
        return 0


def open_url(url: str) -> Otlp:
    """Open `otlp://HOST[:4318][/PATH]`, `otlps` with TLS; raises InputError without a host."""
    parts = urlsplit(url)
    if not parts.hostname:
        raise InputError(f"no collector in {url[:80]!r}", mend="otlp://HOST:4318")
    scheme = "https" if parts.scheme == "otlps" else "http"
    netloc = parts.netloc if parts.port else f"{parts.netloc}:4318"
    return Otlp(name_of(url), f"{scheme}://{netloc}{parts.path if len(parts.path) > 1 else '/v1/logs'}")
