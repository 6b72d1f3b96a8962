"""The kernel's ring buffer, read straight from its shared memory.

Layout: kernel/bpf/ringbuf.c: a page with the reader's position, a page with the writer's, then the data twice
in a row so that no record wraps. A record is a 32-bit length with two flags, 32 bits for
the kernel, and its bytes.
Only for processors that keep stores in order (x86-64), as the programs are.
"""

from __future__ import annotations

import mmap
import select
import struct
import time

_PAGE = mmap.PAGESIZE
_BUSY, _DISCARDED, _LENGTH = 1 << 31, 1 << 30, (1 << 30) - 1
_BATCH = 64
_TICK = 0.001  # what poll counts in, seconds; it rounds up
_LINGER = 60e-6  # seconds in which more of a burst is likely to come


class Ring:
    """Reads records in the order in which the kernel reserved them.

    The kernel wakes us when it adds a record to a ring of which we have said that all is read. While we
    read, and for a moment after, we say so of the batch before only: a wake-up costs
    what is traced more than the record does.
    """

    def __init__(self, fd: int, pages: int) -> None:
        self._at, self._busy = 0, False
        self._size = pages * _PAGE
        self._position = mmap.mmap(fd, _PAGE, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE, offset=0)
        self._data = mmap.mmap(fd, _PAGE + 2 * self._size, mmap.MAP_SHARED, mmap.PROT_READ, offset=_PAGE)
        self._consumed = memoryview(self._position).cast("Q")
        self._produced = memoryview(self._data)[:8].cast("Q")
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)

    @property
    def filled(self) -> bool:
        """Whether something is there to be read."""
        return self._at != self._produced[0]

    def wait(self, timeout: float) -> None:
        """Sleep until there is something to read, at most `timeout` seconds."""
        if self.filled:
            return
        if timeout < _TICK:
            time.sleep(timeout)
            return
        if self._busy:
            time.sleep(_LINGER)
            self._busy = False
        if not self.filled:
            self._consumed[0] = self._at
            self._poll.poll(timeout * 1000)  # looks at the ring once it would be woken: nothing is missed

    def read(self) -> list[bytes]:
        """Take the records that are there, a bounded batch."""
        data, size, header = self._data, self._size, struct.Struct("<I").unpack_from
        at, end = self._at, self._produced[0]
        self._consumed[0] = at  # what was read before has been used
        records: list[bytes] = []
        while at < end and len(records) < _BATCH:
            offset = _PAGE + at % size
            (length,) = header(data, offset)
            if length & _BUSY:
                break
            count = length & _LENGTH
            if not length & _DISCARDED:
                records.append(data[offset + 8 : offset + 8 + count])
            at += (count + 15) & ~7
        self._at = at
        self._busy = bool(records)
        return records

    def close(self) -> None:
        """Unmap."""
        self._consumed.release()
        self._produced.release()
        self._position.close()
        self._data.close()
