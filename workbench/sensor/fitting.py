"""What fits into an audit record: a part that cannot be encoded, or is too long, is left out and named."""

from __future__ import annotations

from typing import Any

import msgspec

LONGEST = 2 << 20
"""Bytes of a body: whoever reads the end of a log must find a whole record there."""
_LONGEST_NAME = 1_024
_REFUSED = (ValueError, TypeError, OverflowError, RecursionError, msgspec.EncodeError)


def fitting_name(name: str) -> str:
    r"""Give a name as a record can hold it.

    >>> fitting_name("s\udc80")
    's\\udc80'
    """
    return name[:_LONGEST_NAME].encode(errors="backslashreplace").decode()


def fitting(body: dict[str, Any]) -> msgspec.Raw:
    r"""Give a body's JSON; what must be left out, the longest first, is told under `left_out`.

    >>> bytes(fitting({"uid": "u1", "evidence": object()}))
    b'{"uid":"u1","left_out":{"evidence":"Encoding objects of type object is unsupported"}}'
    """
    try:
        whole = msgspec.json.encode(body)
    except _REFUSED:
        pass
    else:
        if len(whole) <= LONGEST:
            return msgspec.Raw(whole)
    parts: dict[str, bytes] = {}
    left_out: dict[str, str] = {}
    for key, value in body.items():
        name = fitting_name(key)
        try:
            parts[name] = msgspec.json.encode(value)
        except _REFUSED as error:
            left_out[name] = fitting_name(str(error))
    while sum(map(len, parts.values())) > LONGEST:
        longest = max(parts, key=lambda name: len(parts[name]))
        left_out[longest] = f"{len(parts.pop(longest))} bytes are too long for a record"
    kept = {name: msgspec.Raw(part) for name, part in parts.items()}
    return msgspec.Raw(msgspec.json.encode({**kept, "left_out": left_out}))
