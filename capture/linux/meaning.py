"""What a system call means in an event, whoever tells of it: its category, its outcome, its numbers."""

from __future__ import annotations

import stat
from collections.abc import Mapping

from capture.linux.files import open_flags
from capture.linux.syscalls import Syscall
from workbench.event import Value

Fields = dict[str, Value]

CATEGORY: Mapping[str, str] = {
    **dict.fromkeys(("exec", "memfd", "setuid", "ptrace"), "process"),
    **dict.fromkeys(("connect", "bind", "accept"), "network"),
    **dict.fromkeys(("open", "create", "rename", "link", "delete", "chmod", "chown", "mmap_write"), "file"),
}
"""`action` of a system call → `event.category`."""

_UNDER_WAY = ("EINPROGRESS", "EINTR")
_UNCHANGED = 0xFFFFFFFF  # -1: of an owner, let it be as it is


def outcome(error: str) -> Fields:
    """Tell whether a call did what was asked, by the name of its error, "" for none.

    >>> outcome(""), outcome("ENOENT")
    ({'event.outcome': 'success'}, {'event.outcome': 'failure', 'error.code': 'ENOENT'})
    """
    if not error:
        return {"event.outcome": "success"}
    return {"event.outcome": "unknown" if error in _UNDER_WAY else "failure", "error.code": error}


def flags_of(call: Syscall, x: int) -> int:
    """Give the flags that a file is opened with."""
    return call.flags or x & 0xFFFFFFFF


def numbers(call: Syscall, x: int, y: int) -> Fields:
    """Tell what a call was given at `x` and `y`; an owner that stays as it is is left out.

    >>> from capture.linux.syscalls import syscalls
    >>> numbers(syscalls()["chown"], 0, -1), numbers(syscalls()["mknod"], 0, 0o10644)
    ({'file.uid': '0'}, {'file.mode': '0644'})
    """
    x, y = x & 0xFFFFFFFF, y & 0xFFFFFFFF
    match call.action:
        case "open":
            return {"file.flags": open_flags(flags_of(call, x))}
        case "create" | "chmod":
            return {"file.mode": f"{stat.S_IMODE(y):04o}"}
        case "chown":
            return {name: str(id_) for name, id_ in (("file.uid", x), ("file.gid", y)) if id_ != _UNCHANGED}
        case "setuid" if x != _UNCHANGED:
            return {"process.real_user.id": str(x)}
        case "ptrace":
            return {"process.target.pid": x}
    return {}
