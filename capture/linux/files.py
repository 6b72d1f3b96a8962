"""Fields of a file: its path, type, and the flags it is opened with."""

from __future__ import annotations

import stat
from functools import lru_cache

from capture.remembered import remembered
from workbench.event import Value

TYPES = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "dir",
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}
_FLAGS = ((0o100, "create"), (0o1000, "truncate"), (0o2000, "append"))
_ACCESS = {0: ["read"], 1: ["write"], 2: ["read", "write"], 3: []}
_PATH_ONLY = 0o10000000


@remembered
def named(path: str) -> dict[str, Value]:
    """Give the fields of a path; do not change them.

    >>> named("/tmp/a.tar.gz")
    {'file.path': '/tmp/a.tar.gz', 'file.name': 'a.tar.gz', 'file.directory': '/tmp', 'file.extension': 'gz'}
    """
    fields: dict[str, Value] = {"file.path": path}
    if not path.startswith("/"):
        return fields
    directory, _, name = path.rpartition("/")
    if name:
        fields["file.name"] = name
        fields["file.directory"] = directory or "/"
        stem, dot, extension = name.rpartition(".")
        if dot and stem and extension:
            fields["file.extension"] = extension
    return fields


@lru_cache(maxsize=4096)
def open_flags(flags: int) -> list[str]:
    """Name the flags of open; do not change them.

    >>> open_flags(0o1101)
    ['write', 'create', 'truncate']
    """
    access = [] if flags & _PATH_ONLY else _ACCESS[flags & 3]
    return access + [name for bit, name in _FLAGS if flags & bit]
