"""A DNS server over UDP and TCP that knows the run's hosts and logs every question."""

from __future__ import annotations

import ipaddress
import socketserver
import struct
from typing import Any

from capture.lab.internet.journal import Journal

_A, _TXT, _AAAA = 1, 16, 28
_TYPES = {_A: "A", _TXT: "TXT", _AAAA: "AAAA", 5: "CNAME", 15: "MX", 2: "NS", 6: "SOA", 12: "PTR", 255: "ANY"}
_ANSWER, _NO_SUCH_NAME = 0x8580, 0x8583


def question(message: bytes) -> tuple[str, int, int]:
    """Give the name asked for, its type's number and where the question ends; raises ValueError when cut.

    >>> question(bytes.fromhex("000101000001000000000000") + b"\\x03api\\x02io\\x00\\x00\\x01\\x00\\x01")
    ('api.io', 1, 24)
    """
    labels, at = [], 12
    while True:
        if at >= len(message):
            raise ValueError("cut in its name")
        length = message[at]
        at += 1
        if not length:
            break
        labels.append(message[at : at + length].decode("ascii", "backslashreplace"))
        at += length
    if at + 4 > len(message):
        raise ValueError("cut after its name")
    return ".".join(labels), int.from_bytes(message[at : at + 2], "big"), at + 4


def answer(message: bytes, zone: dict[str, list[str]], wildcards: tuple[str, ...]) -> tuple[bytes, str, str]:
    """Answer a query from `zone` (name → addresses); below a wildcard's name every name exists.

    Gives the reply, the name and the type asked for.
    """
    name, kind, end = question(message)
    lower = name.lower()
    apex = next((parent for parent in wildcards if lower.endswith("." + parent)), lower)
    addresses = zone.get(apex)
    version = {_A: 4, _AAAA: 6}.get(kind, 0)
    records = b""
    count = 0
    for text in addresses or ():
        address = ipaddress.ip_address(text)
        if address.version == version:
            records += b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(address.packed)) + address.packed
            count += 1
    flags = _NO_SUCH_NAME if addresses is None else _ANSWER
    reply = message[:2] + struct.pack(">HHHHH", flags, 1, count, 0, 0) + message[12:end] + records
    return reply, name, _TYPES.get(kind, str(kind))


class Resolver:
    """Serves a zone on one address, port 53, and writes each question to the journal."""

    def __init__(
        self, address: str, zone: dict[str, list[str]], wildcards: list[str], journal: Journal
    ) -> None:
        self.zone, self.wildcards, self.journal = zone, tuple(wildcards), journal
        resolver = self

        class Datagram(socketserver.DatagramRequestHandler):
            def handle(self) -> None:
                self.wfile.write(resolver.reply(self.rfile.read(), "udp"))

        class Stream(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                size = int.from_bytes(self.rfile.read(2), "big")
                reply = resolver.reply(self.rfile.read(size), "tcp")
                self.wfile.write(len(reply).to_bytes(2, "big") + reply)

        self.servers: list[Any] = [
            socketserver.ThreadingUDPServer((address, 53), Datagram),
            socketserver.ThreadingTCPServer((address, 53), Stream),
        ]

    def reply(self, message: bytes, transport: str) -> bytes:
        """Answer one message; one that is not a query gets nothing."""
        try:
            reply, name, kind = answer(message, self.zone, self.wildcards)
        except ValueError:
            self.journal.write("dns", transport=transport, malformed=len(message))
            return b""
        self.journal.write("dns", transport=transport, name=name, type=kind)
        return reply
