"""The records that the kernel programs send: `struct record` of `record.h`, then its data in up to four parts."""

from __future__ import annotations

import struct
from enum import IntEnum, IntFlag

HEADER = struct.Struct("<QQQIIII16sQQqQQQQQIHHHHHHHHI")
IDENTITY = slice(0, 56)  # what names the process: start … comm
_IDENTITY = struct.Struct("<QQQIIII16s")


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
    """One record: header fields under the names of `record.h`; `identity` are the bytes that name the process."""

    __slots__ = (
        "identity", "start", "parent_start", "cgroup", "tgid", "parent", "uid", "comm", "ts", "sequence", "ret",
        "a", "b", "c", "d", "e", "tid", "cpu", "kind", "nr", "cut", "lengths", "data",
    )  # fmt: skip

    def __init__(self, raw: bytes) -> None:
        (
            self.start, self.parent_start, self.cgroup, self.tgid, self.parent, self.uid, _, self.comm, self.ts,
            self.sequence, self.ret, self.a, self.b, self.c, self.d, self.e, self.tid, self.cpu, self.kind, self.nr,
            self.cut, l0, l1, l2, l3, _,
        ) = HEADER.unpack_from(raw)  # fmt: skip
        self.identity = raw[IDENTITY]
        self.lengths = (l0, l1, l2, l3)
        self.data = raw[HEADER.size :]

    def parts(self) -> tuple[bytes, bytes, bytes, bytes]:
        """Split the data."""
        l0, l1, l2, l3 = self.lengths
        second, third = l0 + l1, l0 + l1 + l2
        data = self.data
        return data[:l0], data[l0:second], data[second:third], data[third : third + l3]
