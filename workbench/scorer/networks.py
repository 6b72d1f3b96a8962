"""Which of many networks hold an address: one look-up a prefix length."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from ipaddress import ip_network

_MAPPED = bytes(10) + b"\xff\xff"


def address_bytes(text: str) -> bytes | None:
    r"""Give an IP address as 4 or 16 bytes, an IPv4-mapped one as 4; None when the text is not one.

    >>> address_bytes("::ffff:10.0.0.1"), address_bytes("10.0.0"), len(address_bytes("fe80::1%eth0"))
    (b'\n\x00\x00\x01', None, 16)
    """
    try:
        if ":" not in text:
            return socket.inet_pton(socket.AF_INET, text)
        packed = socket.inet_pton(socket.AF_INET6, text.partition("%")[0])
    except (OSError, ValueError):
        return None
    return packed[12:] if packed.startswith(_MAPPED) else packed


class Networks:
    """Networks with a bit each.

    >>> networks = Networks([("10.0.0.0/8", 1), ("10.1.0.0/16", 2), ("fe80::/10", 4)])
    >>> networks.bits("10.1.2.3"), networks.bits("fe80::1"), networks.bits("x")
    (3, 4, 0)
    """

    __slots__ = ("_prefixes",)

    def __init__(self, networks: Iterable[tuple[str, int]]) -> None:
        self._prefixes: dict[
            tuple[int, int], dict[int, int]
        ] = {}  # (address bits, host bits) → prefix → bits
        for text, bit in networks:
            network = ip_network(text, strict=False)
            width = network.max_prefixlen
            host = width - network.prefixlen
            table = self._prefixes.setdefault((width, host), {})
            prefix = int(network.network_address) >> host
            table[prefix] = table.get(prefix, 0) | bit

    def bits(self, text: str) -> int:
        """Give the bits of the networks that hold the address `text`; none when it is not one."""
        packed = address_bytes(text)
        return 0 if packed is None else self.bits_of(packed)

    def bits_of(self, packed: bytes) -> int:
        """Give the bits of the networks that hold an address of 4 or 16 bytes."""
        width, number, bits = 8 * len(packed), int.from_bytes(packed), 0
        for (wide, host), table in self._prefixes.items():
            if wide == width:
                bits |= table.get(number >> host, 0)
        return bits
