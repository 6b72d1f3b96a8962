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
    """The type table, by the place of each entry. The kernel has some 100,000, so each gets one step."""

    def __init__(self, data: bytes) -> None:
        magic, _, _, header, types, size, strings, _ = _HEADER.unpack_from(data)
        if magic != 0xEB9F:
            raise CaptureError("not BTF", place=KERNEL, mend="use --source strace")
        self._data, self._strings = data, header + strings
        at, end = header + types, header + types + size
        sizes = [(12 + _FIXED.get(kind, 0), _EACH.get(kind, 0)) for kind in range(256)]
        read = struct.Struct("<4xH1xB").unpack_from
        self._places = [0]
        self._structures: list[int] = []
        for_type, for_structure = self._places.append, self._structures.append
        while at < end:
            for_type(at)
            count, kind = read(data, at)
            kind &= 31
            if kind == _STRUCT and count:
                for_structure(at)
            fixed, each = sizes[kind]
            at += fixed + count * each

    def structures(self, names: Iterable[str]) -> Iterator[tuple[str, int]]:
        """Give the place of the first definition of each named structure."""
        found = {name: self._data.find(b"\0" + name.encode() + b"\0", self._strings) for name in names}
        left = {at + 1 - self._strings: name for name, at in found.items() if at >= 0}
        for place in self._structures:
            if text := left.pop(_TYPE.unpack_from(self._data, place)[0], None):
                yield text, place

    def _name(self, offset: int) -> str:
        start = self._strings + offset
        return self._data[start : self._data.index(0, start)].decode()

    def _kind(self, place: int) -> int:
        return self._data[place + 7] & 31

    def members(self, place: int, base: int) -> Iterator[tuple[str, int]]:
        """Give the members of a structure with their byte offsets."""
        _, info, _ = _TYPE.unpack_from(self._data, place)
        for number in range(info & 0xFFFF):
            name, kind_of, bits = _TYPE.unpack_from(self._data, place + 12 + 12 * number)
            offset = base + (bits & 0xFFFFFF if info >> 31 else bits) // 8
            if name:
                yield self._name(name), offset
                continue
            inner = self._places[kind_of]
            while self._kind(inner) in _QUALIFIERS:
                inner = self._places[_TYPE.unpack_from(self._data, inner)[2]]
            if self._kind(inner) in (_STRUCT, _UNION):
                yield from self.members(inner, offset)
