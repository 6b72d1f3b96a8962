"""JSON lines, on standard output or appended to a file."""

from __future__ import annotations

import os
import sys

import msgspec

from workbench.errors import InputError
from workbench.sensor.alert import Alert, alert_to_ocsf
from workbench.sensor.sinks import SinkError, name_of


class Lines:
    """Writes one JSON object a line, as it is or as OCSF."""

    def __init__(self, name: str, descriptor: int, *, ocsf: bool) -> None:
        self.name, self._descriptor, self._ocsf = name, descriptor, ocsf

    def send(self, alerts: list[Alert]) -> None:
        """Write; raises SinkError when the file takes no more."""
        shapes = [alert_to_ocsf(alert) if self._ocsf else alert for alert in alerts]
        data = b"".join(msgspec.json.encode(shape) + b"\n" for shape in shapes)
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError as error:
            raise SinkError(str(error)) from None


def open_url(url: str) -> Lines:
    """Open `stdout`, `stdout:ocsf` or `file:PATH`; raises InputError when the file cannot be written."""
    scheme, _, rest = url.partition(":")
    if scheme == "stdout":
        if rest not in ("", "ocsf"):
            raise InputError(f"no format {rest!r}", mend="stdout or stdout:ocsf")
        return Lines(name_of(url), sys.stdout.fileno(), ocsf=rest == "ocsf")
    path = rest.removeprefix("//")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise InputError(
            f"cannot be written: {error.strerror}", place=path, mend="choose another file"
        ) from None
    return Lines(name_of(url), descriptor, ocsf=True)
