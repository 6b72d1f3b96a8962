"""Fields of the file in a record: path, identity, type, mode, flags."""

from __future__ import annotations

import posixpath
import stat
from functools import lru_cache

from capture.remembered import ENTRIES, LONGEST, remembered
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
def walked(names: bytes) -> str:
    """Join the names that the kernel walked, leaf first.

    >>> walked(b"hosts\\0etc\\0"), walked(b"/\\0")
    ('/etc/hosts', '/')
    """
    parts = names.decode(errors="replace").split("\0")[-2::-1]
    return "/" if parts in (["/"], []) else "/" + "/".join(parts)


def given(path: bytes, directory: bytes) -> str:
    """Make a path argument absolute, as the text says, without following links.

    >>> given(b"../b\\0", b"a\\0srv\\0"), given(b"/x//y\\0", b""), given(b"a\\0", b"")
    ('/srv/b', '/x/y', 'a')
    """
    recall = _absolute if len(path) + len(directory) <= LONGEST else _absolute.__wrapped__
    return recall(path, directory)


@lru_cache(maxsize=ENTRIES)
def _absolute(path: bytes, directory: bytes) -> str:
    whole = text(path)
    if not whole.startswith("/") and directory:
        whole = posixpath.join(walked(directory), whole)
    whole = posixpath.normpath(whole) if whole else ""
    return whole[1:] if whole.startswith("//") else whole


def text(argument: bytes) -> str:
    """Read a string argument."""
    return argument.rstrip(b"\0").decode(errors="replace")


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


def identified(inode: int, device_mode: int, path: str) -> dict[str, Value]:
    """Give the fields of an inode, its device and mode (`device << 32 | mode`); do not change them."""
    device, mode = device_mode >> 32, device_mode & 0xFFFF
    memfd = path.startswith("/memfd:")
    return {
        "file.inode": str(inode),
        "file.device": f"{device >> 20}:{device & 0xFFFFF}",
        "file.type": "memfd" if memfd else TYPES.get(stat.S_IFMT(mode), "other"),
        "file.mode": f"{stat.S_IMODE(mode):04o}",
    }


@lru_cache(maxsize=4096)
def open_flags(flags: int) -> list[str]:
    """Name the flags of open; do not change them.

    >>> open_flags(0o1101)
    ['write', 'create', 'truncate']
    """
    access = [] if flags & _PATH_ONLY else _ACCESS[flags & 3]
    return access + [name for bit, name in _FLAGS if flags & bit]
