"""Syslog, RFC 5424: UDP (RFC 5426), TCP with octet counting (RFC 6587), or the local socket."""

from __future__ import annotations

import platform
import re
import select
import socket
import sys
from contextlib import suppress
from urllib.parse import urlsplit

from workbench.errors import InputError
from workbench.event import format_timestamp
from workbench.sensor.alert import Alert, alert_to_ocsf
from workbench.sensor.sinks import SinkError, name_of
from workbench.sensor.sinks.shorten import encode_within

_AUTHPRIV = 10
_SEVERITIES = {"informational": 6, "low": 5, "medium": 4, "high": 3, "critical": 2}
_NOT_PRINTABLE = re.compile(r"[^\x21-\x7e]")
_TIMEOUT_S = 5.0
_DATAGRAM = 60_000
_LONGEST = 255


def message(alert: Alert, most: int = sys.maxsize) -> bytes:
    """Give the alert as one syslog message: what to read by in its header, the OCSF finding as its text.

    Of what would be longer than `most` bytes, the finding's longest texts and lists are cut.
    """
    finding = alert.finding
    priority = 8 * _AUTHPRIV + _SEVERITIES.get(finding.level, 4)
    host = _NOT_PRINTABLE.sub("?", alert.host or platform.node())[:_LONGEST] or "-"
    header = f"<{priority}>1 {format_timestamp(finding.timestamp // 1000 * 1000)} {host} workbench-sensor - "
    data = {
        "uid": alert.uid,
        "rule": finding.rule_id,
        "session": finding.session,
        "incident": alert.incident,
        "action": alert.action,
    }
    told = " ".join(f'{name}="{_escaped(value[:_LONGEST])}"' for name, value in data.items())
    structured = f"finding [alert@32473 {told}] "
    start = (header + structured).encode()
    return start + encode_within(alert_to_ocsf(alert), most - len(start))


def _escaped(value: str) -> str:
    """Escape a parameter's value, RFC 5424 section 6.3.3.

    >>> _escaped('a"b]')
    'a\\\\"b\\\\]'
    """
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]").replace("\n", " ")


class Syslog:
    """Sends to one receiver; a stream is opened again when it breaks."""

    def __init__(self, name: str, family: int, kind: int, address: tuple[str, int] | str) -> None:
        self.name = name
        self._family, self._kind, self._address = family, kind, address
        self._socket: socket.socket | None = None

    def send(self, alerts: list[Alert]) -> None:
        """Send; raises SinkError when the receiver is not there. UDP cannot tell."""
        try:
            there = self._socket = self._socket or self._connected()
            # A receiver says nothing: what can be read is the stream's end, and writes after it would vanish.
            if self._kind == socket.SOCK_STREAM and select.select([there], [], [], 0)[0]:
                raise ConnectionResetError("the receiver closed the stream")
            for alert in alerts:
                self._write(there, alert)
        except OSError as error:
            self._fail(error)

    def _write(self, there: socket.socket, alert: Alert) -> None:
        if self._kind == socket.SOCK_STREAM:
            data = message(alert)
            there.sendall(b"%d " % len(data) + data)
        else:
            there.send(message(alert, _DATAGRAM))

    def close(self) -> None:
        """Close the connection; the next alert opens it again."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.close()
            self._socket = None

    def _fail(self, error: OSError) -> None:
        self.close()
        raise SinkError(str(error)) from None

    def _connected(self) -> socket.socket:
        there = socket.socket(self._family, self._kind)
        there.settimeout(_TIMEOUT_S)
        try:
            there.connect(self._address)
        except OSError:
            there.close()
            raise
        return there


def open_url(url: str) -> Syslog:
    """Open `syslog://HOST[:PORT][?tcp]` or `syslog:/PATH`; raises InputError for anything else."""
    parts = urlsplit(url)
    if not parts.netloc:
        if not parts.path.startswith("/"):
            raise InputError(f"no syslog receiver {url!r}", mend="syslog://HOST:514, or syslog:/dev/log")
        return Syslog(name_of(url), socket.AF_UNIX, socket.SOCK_DGRAM, parts.path)
    kind = socket.SOCK_STREAM if parts.query == "tcp" else socket.SOCK_DGRAM
    family = socket.AF_INET6 if ":" in (parts.hostname or "") else socket.AF_INET
    return Syslog(name_of(url), family, kind, (parts.hostname or "", parts.port or 514))
