"""Passes a request on to another web server, and gives the answer."""

from __future__ import annotations

import http.client
from collections.abc import Mapping

_OWN = {"connection", "keep-alive", "transfer-encoding", "content-length", "expect"}
"""Headers that are between two neighbours, and not passed on."""
_PATIENCE_S = 600

Answer = tuple[int, dict[str, str], bytes]


def relay(server: str, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
    """Ask the server, `host:port`, the same; the headers' names are in lower case."""
    passed = {name: value for name, value in headers.items() if name not in _OWN}
    connection = http.client.HTTPConnection(server, timeout=_PATIENCE_S)
    try:
        connection.request(method, target, body or None, passed)
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    fields = {name: value for name, value in answer.getheaders() if name.lower() not in _OWN}
    return answer.status, fields, content
