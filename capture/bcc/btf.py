"""Where the running kernel keeps the members of its structures, read from its BTF.

Format: Documentation/bpf/btf.rst of the kernel. Only what finding member offsets needs is decoded.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

from workbench.errors import CaptureError

KERNEL = Path("/sys/kernel/btf/vmlinux")

_STRUCT, _UNION = 4, 5
_QUALIFIERS = (8, 9, 10, 11, 18)  # typedef, volatile, const, restrict, type tag
_HEADER = struct.Struct("<HBBIIIII")
_TYPE = struct.Struct("<III")
# Bytes after a type's first twelve, by kind: fixed, or for each of its members.
_FIXED = {1: 4, 3: 12, 14: 4, 17: 4}
_EACH = {4: 12, 5: 12, 6: 8, 13: 8, 15: 12, 19: 12}


def member_offsets(wanted: Iterable[tuple[str, str]], source: Path = KERNEL) -> dict[tuple[str, str], int]:
    """Give the byte offset of each (structure, member), anonymous members looked through.

    Raises CaptureError when the kernel has no BTF or lacks one of them.
    """
    try:
        data = source.read_bytes()
    except OSError as error:
        raise CaptureError(
            f"the kernel's BTF cannot be read: {error.strerror}",
            place=source,
            mend="use a kernel with CONFIG_DEBUG_INFO_BTF, or --source strace",
        ) from None
    members: dict[str, set[str]] = {}
    for name, member in wanted:
        members.setdefault(name, set()).add(member)
    types = _Types(data)
    found = {
        (name, member): offset
        for name, index in types.structures(members)
        for member, offset in types.members(index, 0)
        if member in members[name]
    }
    missing = [
        f"{name}.{member}" for name in members for member in members[name] if (name, member) not in found
    ]
    if missing:
        raise CaptureError(
            f"this kernel has no {', '.join(sorted(missing))}", place=source, mend="use --source strace"
        )
    return found


class _Types:
    """The type table: each entry's name, kind, number of members, flag, type and place."""

    def __init__(self, data: bytes) -> None:
        magic, _, _, header, types, size, strings, _ = _HEADER.unpack_from(data)
        if magic != 0xEB9F:
            raise CaptureError("not BTF", place=KERNEL, mend="use --source strace")
        self._data, self._strings = data, header + strings
        self._entries: list[tuple[int, int, int, int, int, int]] = [(0, 0, 0, 0, 0, 0)]
        at, end = header + types, header + types + size
        while at < end:
            name, info, kind_of = _TYPE.unpack_from(data, at)
            kind, count = info >> 24 & 31, info & 0xFFFF
            at += 12
            self._entries.append((name, kind, count, info >> 31, kind_of, at))
            at += _FIXED.get(kind, 0) + count * _EACH.get(kind, 0)

    def _name(self, offset: int) -> str:
        start = self._strings + offset
        return self._data[start : self._data.index(0, start)].decode()

    def structures(self, names: Iterable[str]) -> Iterator[tuple[str, int]]:
        """Give the first definition of each named structure."""
        left = set(names)
        for index, (name, kind, count, *_) in enumerate(self._entries):
            if kind == _STRUCT and count and name and (text := self._name(name)) in left:
                left.discard(text)
                yield text, index

    def members(self, index: int, base: int) -> Iterator[tuple[str, int]]:
        """Give the members of a structure with their byte offsets."""
        _, _, count, bitfields, _, at = self._entries[index]
        for number in range(count):
            name, kind_of, bits = _TYPE.unpack_from(self._data, at + 12 * number)
            offset = base + (bits & 0xFFFFFF if bitfields else bits) // 8
            if name:
                yield self._name(name), offset
                continue
            while self._entries[kind_of][1] in _QUALIFIERS:
                kind_of = self._entries[kind_of][4]
            if self._entries[kind_of][1] in (_STRUCT, _UNION):
                yield from self.members(kind_of, offset)
