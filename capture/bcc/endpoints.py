"""A socket's two ends, as the kernel programs tell them."""

from __future__ import annotations

import socket
import struct
from functools import lru_cache

from capture.linux.addresses import Endpoint, ip_text

_ENDPOINT = struct.Struct("<HHHHH6x16s16s")
_TRANSPORT = {6: "tcp", 17: "udp", 1: "icmp", 58: "icmp"}
_DATAGRAM = 2


@lru_cache(maxsize=16_384)
def endpoint(raw: bytes) -> Endpoint:
    """Read `struct endpoint` of `network.c`."""
    family, kind, protocol, local_port, peer_port, local, peer = _ENDPOINT.unpack_from(raw)
    transport = _TRANSPORT.get(protocol, "udp" if kind == _DATAGRAM else "tcp")
    if family not in (socket.AF_INET, socket.AF_INET6):
        return Endpoint(family, "unix", "", 0, "", 0)
    return Endpoint(family, transport, ip_text(family, local), local_port, ip_text(family, peer), peer_port)
