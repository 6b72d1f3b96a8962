"""Records of system calls on files and processes, as `syscalls.toml` describes them, become fields."""

from __future__ import annotations

import errno
import posixpath
import stat
from functools import lru_cache
from typing import NamedTuple

from capture.bcc.files import given, identified, text, walked
from capture.bcc.records import WHAT, Record
from capture.linux.files import named
from capture.linux.meaning import CATEGORY, numbers, outcome
from capture.linux.syscalls import Syscall, syscalls
from capture.redact import Redactor
from capture.remembered import ENTRIES, LONGEST
from workbench.event import Value

Fields = dict[str, Value]

_OPENS = 8192  # opens of which the fields are kept, for those of the same file in the same way
_SHORT = 1024  # bytes of such an open
_FILES = 8 << 20  # bytes of the paths of files that are remembered, of which each counts _FILE more
_FILE = 64
_CREATED = 1 << 20  # FMODE_CREATED
_OWN_PATH = 1 << 63  # the file's own path was walked, not the argument read
_RESTART = range(-516, -511)


class _Open(NamedTuple):
    """What an open told, and what is to be known of the file, None when none was opened."""

    fields: Fields
    inode: tuple[int, int]
    file: Fields | None


class Calls:
    """Tells what calls did, and remembers the files they opened; no path is kept or told with a secret in it.

    `mapped` counts the regular files that were mapped to be written.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._clean = redactor.text
        self._opened = lru_cache(maxsize=ENTRIES)(self._describe)
        self._calls = {call.nr: call for call in syscalls().values()}
        self._files: dict[tuple[int, int], Fields] = {}
        self._weight = 0  # of the files
        self._opens: dict[bytes, _Open] = {}
        self.mapped = 0

    def action(self, number: int) -> str:
        """Name what a system call does."""
        return self._calls[number].action

    def again(self, what: bytes) -> Fields | None:
        """Give the fields of an open that was told before, in the same bytes; do not change them."""
        known = self._opens.get(what)
        if known is None:
            return None
        if known.file is not None:
            self._files[known.inode] = known.file
        return known.fields

    def told(self, record: Record) -> Fields:
        """Give a call's fields; do not change them."""
        call = self._calls[record.nr]
        fields = self._read(call, record)
        if call.action == "open" and not record.cut and len(record.raw) <= _SHORT:
            if len(self._opens) >= _OPENS:
                self._opens.clear()
            inode = (record.a, record.b)
            file = self._files.get(inode) if record.e & _OWN_PATH else None
            self._opens[record.raw[WHAT]] = _Open(fields, inode, file)
        return fields

    def file(self, record: Record) -> Fields:
        """Give a file's fields, and remember or recall those of an inode; a pipe's path is its number."""
        inode = (record.a, record.b)
        if not record.length0:
            return self._files.get(inode) or identified(record.a, record.b, "")
        describe = self._opened if record.length0 <= LONGEST else self._describe
        fields = describe(record.first, record.a, record.b)
        if inode not in self._files:
            self._weight += _FILE + record.length0
        if self._weight > _FILES:
            self._files.clear()
            self._weight = _FILE + record.length0
        self._files[inode] = fields
        return fields

    def _describe(self, names: bytes, inode: int, device_mode: int) -> Fields:
        path = walked(names)
        identity = identified(inode, device_mode, path)
        if identity["file.type"] == "pipe" and path == "/":
            return {**identity, "file.path": f"pipe:[{inode}]"}
        return {**named(self._clean(path)), **identity}

    def _read(self, call: Syscall, record: Record) -> Fields:
        action = call.action
        fields: Fields = {"event.category": CATEGORY[action], **returned(record.ret)}
        if record.e & _OWN_PATH:
            fields |= self.file(record)
            if action == "open" and record.e & _CREATED:
                action = "create"
        elif call.path is not None:
            first, base, second, second_base = record.parts()
            path = given(first, base)
            if second:
                target, path = path, given(second, second_base)
                if call.text:  # a symbolic link's target starts from where the link lies
                    target = posixpath.normpath(posixpath.join(posixpath.dirname(path), text(first)))
                fields["file.original.path"] = self._clean(target)
            fields |= named(self._clean(path))
            if call.type:
                fields["file.type"] = call.type
        fields["event.action"] = action
        if action == "mmap_write" and stat.S_ISREG(record.b & 0xFFFF):
            self.mapped += 1  # what is written through it, and how often, is not seen
        return fields | numbers(call, record.c, record.d)


def returned(ret: int) -> Fields:
    """Tell from what a call returned whether it did what was asked.

    >>> returned(3), returned(-2)
    ({'event.outcome': 'success'}, {'event.outcome': 'failure', 'error.code': 'ENOENT'})
    """
    if ret >= 0:
        return outcome("")
    return outcome("EINTR" if ret in _RESTART else errno.errorcode.get(-ret, str(-ret)))
