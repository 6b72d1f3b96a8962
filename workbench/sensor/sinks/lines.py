"""Lines, on standard output or appended to a file: JSON, or words for people."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import msgspec

from workbench.errors import InputError
from workbench.scorer.words import words
from workbench.sensor.alert import Alert, alert_to_ocsf
from workbench.sensor.sinks import SinkError, name_of


def _text(alert: Alert) -> bytes:
    done = f"\n  {alert.action.replace('_', ' ')}" if alert.action != "observed" else ""
    more = f"\n  and {alert.repeated} more like it" if alert.repeated else ""
    return (words(alert.finding) + done + more).encode()


_SHAPES: dict[str, Callable[[Alert], bytes]] = {
    "": msgspec.json.encode,
    "ocsf": lambda alert: msgspec.json.encode(alert_to_ocsf(alert)),
    "text": _text,
}


class Lines:
    """Writes each alert in its shape, and a line's end."""

    def __init__(self, name: str, descriptor: int, shape: Callable[[Alert], bytes]) -> None:
        self.name, self._descriptor, self._shape = name, descriptor, shape

    def send(self, alerts: list[Alert]) -> None:
        """Write; raises SinkError when the file takes no more."""
        data = b"".join(self._shape(alert) + b"\n" for alert in alerts)
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError as error:
            raise SinkError(str(error)) from None


def open_url(url: str) -> Lines:
    """Open `stdout`, with `:ocsf` or `:text`, or `file:PATH`; raises InputError when it cannot be written."""
    scheme, _, rest = url.partition(":")
    if scheme == "stdout":
        if rest not in _SHAPES:
            raise InputError(f"no format {rest!r}", mend="stdout, stdout:ocsf or stdout:text")
        return Lines(name_of(url), sys.stdout.fileno(), _SHAPES[rest])
    path = rest.removeprefix("//")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise InputError(
            f"cannot be written: {error.strerror}", place=path, mend="choose another file"
        ) from None
    return Lines(name_of(url), descriptor, _SHAPES["ocsf"])
