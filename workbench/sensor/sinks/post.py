"""One HTTP POST."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from workbench.sensor.sinks import Refused, SinkError

_TIMEOUT_S = 10.0
_MOST_ANSWER = 65_536
_NEVER = (400, 413, 422)
_URL_SIGNS = "!#$%&'()*+,/:;=?@[]~"


def post(url: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """Send a body and give the answer; raises SinkError unless it is taken (2xx), Refused when it never will.

    Of the URL, which may hold a secret, the error names the host alone.
    """
    parts = urlsplit(url)
    make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = make(parts.hostname or "", parts.port, timeout=_TIMEOUT_S)
    try:
        target = quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe=_URL_SIGNS)
        connection.request("POST", target, body, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        told = answer.read(_MOST_ANSWER)
    except (OSError, http.client.HTTPException) as error:
        raise SinkError(f"{parts.hostname}: {error!r}") from None
    finally:
        connection.close()
    if answer.status in _NEVER:
        raise Refused(f"{parts.hostname} answered {answer.status}")
    if not 200 <= answer.status < 300:
        raise SinkError(f"{parts.hostname} answered {answer.status}")
    return told
