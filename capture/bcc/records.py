"""The records that the kernel programs send: `struct record` of `record.h`, then data in up to four parts."""

from __future__ import annotations

import struct
from enum import IntEnum, IntFlag

HEADER = struct.Struct("<QQQIIII16sQQqQQQQQIHHHHHHHHI")
IDENTITY = slice(0, 56)  # what names the process: start … comm


class Kind(IntEnum):
    """What a record tells of, `enum kind` of `record.h`."""

    FORK = 1
    EXEC = 2
    EXIT = 3
    SIGNAL = 4
    CALL = 5
    IO = 6
    ADDRESS = 7
    DNS = 8
    TLS = 9
    HTTP = 10


class Cut(IntFlag):
    """What did not fit, `enum cut` of `record.h`."""

    PATH = 1
    ARGUMENTS = 2
    ENVIRONMENT = 4
    PAYLOAD = 8


class Record:
    """One record: its header under the names of `record.h`; `identity` are the bytes naming the process."""

    __slots__ = (
        *("start", "parent_start", "cgroup", "tgid", "parent", "uid", "spare", "comm"),
        *("ts", "sequence", "ret", "a", "b", "c", "d", "e", "tid", "cpu", "kind", "nr", "cut"),
        *("lengths", "unused", "identity", "data"),
    )

    def __init__(self, raw: bytes) -> None:
        (
            self.start,
            self.parent_start,
            self.cgroup,
            self.tgid,
            self.parent,
            self.uid,
            self.spare,
            self.comm,
            self.ts,
            self.sequence,
            self.ret,
            self.a,
            self.b,
            self.c,
            self.d,
            self.e,
            self.tid,
            self.cpu,
            self.kind,
            self.nr,
            self.cut,
            *lengths,
            self.unused,
        ) = HEADER.unpack_from(raw)
        self.lengths = tuple(lengths)
        self.identity = raw[IDENTITY]
        self.data = raw[HEADER.size :]

    def parts(self) -> tuple[bytes, bytes, bytes, bytes]:
        """Split the data."""
        l0, l1, l2, l3 = self.lengths
        second, third = l0 + l1, l0 + l1 + l2
        data = self.data
        return data[:l0], data[l0:second], data[second:third], data[third : third + l3]
