"""The records that the kernel programs send: `struct record` of `record.h`, then data in up to four parts."""

from __future__ import annotations

import struct
from enum import IntEnum, IntFlag
from typing import NamedTuple

_HEADER = struct.Struct("<QQQIIII16sQQIHHqQQQQQHHHHHHHH")
_DATA = _HEADER.size
_unpack = _HEADER.unpack_from
WHO = slice(0, 56)
"""The bytes that name the process, start … comm."""
WHAT = slice(80, None)
"""The bytes that tell what it did, ret … data."""
when = struct.Struct("<56xQQIH").unpack_from
"""Read of a record's bytes ts, sequence, tid and cpu."""
NOTHING = bytes(_DATA)
"""A record that tells nothing."""


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
    PLAINTEXT = 11
    SMTP = 12


class Cut(IntFlag):
    """What did not fit, `enum cut` of `record.h`."""

    PATH = 1
    ARGUMENTS = 2
    ENVIRONMENT = 4
    PAYLOAD = 8


class Record(NamedTuple):
    """One record: its header under the names of `record.h`, and the bytes it came as."""

    start: int
    parent_start: int
    cgroup: int
    tgid: int
    parent: int
    uid: int
    spare: int
    comm: bytes
    ts: int
    sequence: int
    tid: int
    cpu: int
    unused: int
    ret: int
    a: int
    b: int
    c: int
    d: int
    e: int
    kind: int
    nr: int
    cut: int
    spare2: int
    length0: int
    length1: int
    length2: int
    length3: int
    raw: bytes

    @classmethod
    def read(cls, raw: bytes) -> Record:
        """Read a record."""
        return cls._make((*_unpack(raw), raw))

    @property
    def identity(self) -> bytes:
        """The bytes that name the process."""
        return self.raw[WHO]

    @property
    def first(self) -> bytes:
        """The first part of the data."""
        return self.raw[_DATA : _DATA + self.length0]

    def parts(self) -> tuple[bytes, bytes, bytes, bytes]:
        """Split the data."""
        raw = self.raw
        second = _DATA + self.length0
        third = second + self.length1
        fourth = third + self.length2
        return raw[_DATA:second], raw[second:third], raw[third:fourth], raw[fourth : fourth + self.length3]
