"""JSON with a limit: where a receiver takes only so many bytes, the longest texts and lists are cut."""

from __future__ import annotations

from typing import Any

import msgspec


def encode_within(told: dict[str, Any], most: int) -> bytes:
    """Give the JSON of an OCSF finding in at most `most` bytes; one that was cut says so in `unmapped`.

    >>> encode_within({"message": "a" * 90, "unmapped": {}}, 80)
    b'{"message":"aaaaaaaaaaaaaaaaaaa\\xe2\\x80\\xa6","unmapped":{"shortened":true}}'
    """
    length = most
    while len(data := msgspec.json.encode(told)) > most and length > 1:
        length //= 2
        told = _cut(told, length)
        told["unmapped"]["shortened"] = True
    return data


def _cut(value: Any, length: int) -> Any:
    if isinstance(value, str) and len(value) > length:
        return value[: length - 1] + "…"
    if isinstance(value, list):
        return [_cut(each, length) for each in value[:length]]
    if isinstance(value, dict):
        return {name: _cut(each, length) for name, each in value.items()}
    return value
