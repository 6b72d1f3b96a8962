"""The server name in a TLS ClientHello (RFC 8446 section 4.1.2, RFC 6066 section 3)."""

from __future__ import annotations

_SERVER_NAME = 0


def server_name(data: bytes) -> str | None:
    """Give the server name asked for: "" when there is none.

    None when this is no ClientHello, or was cut before the name.
    """
    if len(data) < 43 or data[0] != 0x16 or data[5] != 1:
        return None
    try:
        at = 43
        at += 1 + data[at]
        at += 2 + int.from_bytes(data[at : at + 2], "big")
        at += 1 + data[at]
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        at += 2
        while at + 4 <= end:
            kind, size = (
                int.from_bytes(data[at : at + 2], "big"),
                int.from_bytes(data[at + 2 : at + 4], "big"),
            )
            if at + 4 > len(data) or (kind == _SERVER_NAME and at + 9 > len(data)):
                return None
            if kind == _SERVER_NAME:
                length = int.from_bytes(data[at + 7 : at + 9], "big")
                name = data[at + 9 : at + 9 + length]
                return name.decode("ascii", errors="backslashreplace") if len(name) == length else None
            at += 4 + size
    except IndexError:
        return None
    return "" if at <= len(data) else None
