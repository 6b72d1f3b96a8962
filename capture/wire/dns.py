"""DNS messages (RFC 1035): the question asked, and the addresses answered."""

from __future__ import annotations

import socket
from typing import NamedTuple

_TYPES = {
    1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA", 33: "SRV", 35: "NAPTR",
    64: "SVCB", 65: "HTTPS", 255: "ANY",
}  # fmt: skip
_HEADER = 12
_MAX_NAME = 255
_MAX_RECORDS = 64


class Message(NamedTuple):
    """A message's first question, and what it answers; `answer` is true for a response."""

    name: str
    type: str
    answer: bool
    addresses: list[str]


def parse(data: bytes) -> Message | None:
    """Read a message, with or without the length that goes before it over TCP; None when it is not DNS.

    >>> query = bytes.fromhex("abcd01000001000000000000") + b"\\x07example\\x03org\\x00\\x00\\x01\\x00\\x01"
    >>> parse(query)
    Message(name='example.org', type='A', answer=False, addresses=[])
    """
    for start in (0, 2):
        message = _parse(data[start:])
        if message is not None:
            return message
    return None


def _parse(data: bytes) -> Message | None:
    if len(data) < _HEADER + 5 or data[2] & 0x78 or int.from_bytes(data[4:6], "big") != 1:
        return None
    answer = bool(data[2] & 0x80)
    name, at = _name(data, _HEADER)
    if at == 0 or at + 4 > len(data):
        return None
    kind = int.from_bytes(data[at : at + 2], "big")
    if int.from_bytes(data[at + 2 : at + 4], "big") & 0x7FFF not in (1, 255):
        return None
    count = int.from_bytes(data[6:8], "big") if answer else 0
    return Message(name, _TYPES.get(kind, f"TYPE{kind}"), answer, _addresses(data, at + 4, count))


def _addresses(data: bytes, at: int, count: int) -> list[str]:
    found: list[str] = []
    for _ in range(min(count, _MAX_RECORDS)):
        _, at = _name(data, at)
        if at == 0 or at + 10 > len(data):
            break
        kind, size = int.from_bytes(data[at : at + 2], "big"), int.from_bytes(data[at + 8 : at + 10], "big")
        content = data[at + 10 : at + 10 + size]
        at += 10 + size
        if kind == 1 and len(content) == 4:
            found.append(socket.inet_ntop(socket.AF_INET, content))
        elif kind == 28 and len(content) == 16:
            found.append(socket.inet_ntop(socket.AF_INET6, content))
    return found


def _name(data: bytes, at: int) -> tuple[str, int]:
    """Read a name; gives it and the place after it, 0 when malformed. Pointers only ever go backwards."""
    labels: list[str] = []
    after, length, limit = 0, 0, at
    while at < len(data):
        size = data[at]
        if size == 0:
            return ".".join(labels), after or at + 1
        if size & 0xC0 == 0xC0 and at + 1 < len(data):
            target = (size & 0x3F) << 8 | data[at + 1]
            after = after or at + 2
            if target >= limit:
                return "", 0
            at = limit = target
            continue
        length += size + 1
        if size & 0xC0 or length > _MAX_NAME or at + 1 + size > len(data):
            return "", 0
        labels.append(
            data[at + 1 : at + 1 + size].decode("ascii", errors="backslashreplace").replace(".", "\\.")
        )
        at += 1 + size
    return "", 0
