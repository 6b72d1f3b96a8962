"""Fields of a socket's two ends."""

from __future__ import annotations

import socket
from typing import NamedTuple

from workbench.event import Value

_UNSPECIFIED = ("0.0.0.0", "::")  # noqa: S104 - compared with, never bound


class Endpoint(NamedTuple):
    """The two ends of a socket; addresses are text."""

    family: int
    transport: str
    local: str
    local_port: int
    peer: str
    peer_port: int


def address(raw: bytes) -> tuple[str, int, str]:
    """Read a socket address as given to a call: address, port, path of a Unix socket.

    >>> address(bytes([2, 0, 0, 53, 127, 0, 0, 1]))
    ('127.0.0.1', 53, '')
    """
    family = int.from_bytes(raw[:2], "little")
    if family == socket.AF_INET and len(raw) >= 8:
        return ip_text(family, raw[4:8]), int.from_bytes(raw[2:4], "big"), ""
    if family == socket.AF_INET6 and len(raw) >= 24:
        return ip_text(family, raw[8:24]), int.from_bytes(raw[2:4], "big"), ""
    if family == socket.AF_UNIX and len(raw) > 2:
        abstract = raw[2:3] == b"\0"
        path = raw[2:].strip(b"\0") if abstract else raw[2:].split(b"\0", 1)[0]
        return "", 0, ("@" if abstract else "") + path.decode(errors="replace")
    return "", 0, ""


def ip_text(family: int, raw: bytes) -> str:
    """Write an address, one of IPv4 in IPv6 as IPv4.

    >>> ip_text(socket.AF_INET, bytes([10, 0, 0, 1])), ip_text(socket.AF_INET6, bytes(15) + b"\\1")
    ('10.0.0.1', '::1')
    """
    if family == socket.AF_INET:
        return socket.inet_ntop(family, raw[:4])
    if raw[:12] == bytes(10) + b"\xff\xff":
        return socket.inet_ntop(socket.AF_INET, raw[12:16])
    return socket.inet_ntop(family, raw[:16])


def described(end: Endpoint, *, outward: bool, unspecified: bool = False) -> dict[str, Value]:
    """Give the fields of data that moves between the ends: from here when `outward`, else to here.

    The address 0.0.0.0 of a socket that is merely not bound is left out unless `unspecified`.
    """
    fields: dict[str, Value] = {
        "network.transport": end.transport,
        "network.direction": "egress" if outward else "ingress",
    }
    if end.transport == "unix":
        return {**fields, "network.type": "unix"}
    fields["network.type"] = "ipv6" if ":" in end.peer or ":" in end.local else "ipv4"
    here = (end.local, end.local_port)
    there = (end.peer, end.peer_port)
    source, destination = (here, there) if outward else (there, here)
    for side, (ip, port) in (("source", source), ("destination", destination)):
        if ip and (unspecified or ip not in _UNSPECIFIED):
            fields[f"{side}.ip"] = ip
        if port:
            fields[f"{side}.port"] = port
    return fields
