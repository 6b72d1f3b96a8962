"""The file in a record: its path and its identity."""

from __future__ import annotations

import posixpath
import stat
from functools import lru_cache

from capture.linux.files import TYPES
from capture.remembered import ENTRIES, LONGEST, remembered
from workbench.event import Value


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
