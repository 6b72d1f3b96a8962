"""Where alerts go, each by a URL: `open_sink` gives the sink."""

from __future__ import annotations

from hashlib import sha256
from importlib import import_module
from typing import Protocol
from urllib.parse import urlsplit

from workbench.errors import InputError
from workbench.sensor.alert import Alert


class SinkError(Exception):
    """A delivery that failed and is to be tried again."""


class Refused(SinkError):
    """A delivery that will fail however often it is tried."""


class Sink(Protocol):
    """Sends alerts, all or none; `name` is fit for a directory and the same at each start."""

    name: str

    def send(self, alerts: list[Alert]) -> None:
        """Send; raises SinkError when it must be tried again."""


_SCHEMES = {
    "stdout": "lines",
    "file": "lines",
    "syslog": "syslog",
    "http": "webhook",
    "https": "webhook",
    "otlp": "otlp",
    "otlps": "otlp",
}


def open_sink(url: str) -> Sink:
    """Open a sink.

    `stdout`, `stdout:ocsf`, `stdout:text`, `file:PATH` (OCSF lines), `syslog:/dev/log`,
    `syslog://HOST[:514]` (UDP; `?tcp`), `https://HOST/PATH` (webhook; `?shape=slack` or
    `?shape=pagerduty`), `otlp://HOST:4318` (`otlps` for TLS).
    Raises InputError for anything else.
    """
    scheme = url.partition(":")[0]
    if scheme not in _SCHEMES:
        raise InputError(f"no sink {url[:80]!r}", mend=f"begin with one of {', '.join(_SCHEMES)}")
    if not url.isprintable():
        raise InputError(
            f"sink {url[:80]!r} has a character that cannot be printed", mend="name it in plain text"
        )
    try:
        parts = urlsplit(url)
        host, _ = (parts.hostname or "").encode("idna"), parts.port  # looking at them checks them
        if b" " in host:
            raise ValueError("a host's name has no spaces")
    except ValueError as error:
        raise InputError(f"sink {url[:80]!r}: {error}", mend=f"{scheme}://HOST:PORT") from None
    sink: Sink = import_module(f"workbench.sensor.sinks.{_SCHEMES[scheme]}").open_url(url)
    return sink


def name_of(url: str) -> str:
    """Name a sink by its URL, without telling what the URL may hold.

    >>> name_of("https://hooks.example/T0/secret")[:6]
    'https-'
    """
    return f"{urlsplit(url).scheme or url.partition(':')[0]}-{sha256(url.encode()).hexdigest()[:12]}"
