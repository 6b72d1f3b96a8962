"""What processes are and hold at one moment, from /proc: their programs, open files and sockets.

For tracing that begins when a process already runs. The events carry `event.provider` procfs, for they
tell a state, not an act; sockets tell the connections that stand.
"""

from __future__ import annotations

import os
import pwd
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from capture import environment
from capture.linux.addresses import Endpoint, described
from capture.linux.files import TYPES, named
from workbench import procfs
from workbench.event import Value, entity_id

Fields = dict[str, Value]

_PROC = Path("/proc")
_ESTABLISHED, _LISTENING = "01", "0A"
_TABLES = {
    "tcp": socket.AF_INET,
    "tcp6": socket.AF_INET6,
    "udp": socket.AF_INET,
    "udp6": socket.AF_INET6,
}
_ACCESS = {os.O_RDONLY: ["read"], os.O_WRONLY: ["write"], os.O_RDWR: ["read", "write"]}


def start_time(pid: int) -> int:
    """Give when a process began, nanoseconds since boot to the kernel's tick; 0 when it is gone."""
    stat = procfs.stat(pid)
    return int(stat[19]) * procfs.TICK_NS if stat else 0


def descendants(root: int) -> list[int]:
    """Give a process and all that descend from it, parents first."""
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdecimal() and (stat := procfs.stat(int(entry.name))):
            children.setdefault(int(stat[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def describe(pid: int, boot: str) -> Iterator[Fields]:
    """Give the events that tell a process and what it holds, none when it is gone."""
    with suppress(OSError):
        process = _process(pid, boot)
        yield process | _program(pid)
        who = {k: v for k, v in process.items() if k not in ("event.category", "event.action")}
        connections = _connections(pid)
        for descriptor in sorted((_PROC / str(pid) / "fd").iterdir(), key=lambda path: int(path.name)):
            with suppress(OSError):
                yield who | _held(descriptor, connections)


def _target(link: Path) -> str:
    """Where a link leads, as text: a name may hold any bytes."""
    return os.fsencode(link.readlink()).decode(errors="replace")


def _process(pid: int, boot: str) -> Fields:
    stat = procfs.stat(pid)
    if not stat:
        raise ProcessLookupError(pid)
    place = _PROC / str(pid)
    parent, uid = int(stat[1]), place.stat().st_uid
    fields: Fields = {
        "@timestamp": time.time_ns(),
        "event.category": "process",
        "event.action": "exec",
        "event.provider": "procfs",
        "host.id": boot,
        "host.name": os.uname().nodename,
        "host.os.type": "linux",
        "process.entity_id": entity_id(boot, start_time(pid), pid),
        "process.pid": pid,
        "process.name": (place / "comm").read_text(errors="replace").rstrip("\n"),
        "user.id": str(uid),
    }
    with suppress(KeyError):
        fields["user.name"] = pwd.getpwuid(uid).pw_name
    with suppress(OSError):
        fields["process.executable"] = _target(place / "exe")
    if parent:
        fields["process.parent.pid"] = parent
        fields["process.parent.entity_id"] = entity_id(boot, start_time(parent), parent)
    return fields


def _program(pid: int) -> Fields:
    place = _PROC / str(pid)
    args = (place / "cmdline").read_text(errors="replace").split("\0")[:-1]
    fields: Fields = {
        "process.args": args,
        "process.args_count": len(args),
        "process.command_line": " ".join(args),
        "process.working_directory": _target(place / "cwd"),
        **named(_target(place / "exe")),
    }
    if kept := environment.allowed((place / "environ").read_text(errors="replace").split("\0")):
        fields["process.env_vars"] = kept
    return fields


def _held(descriptor: Path, connections: dict[str, Fields]) -> Fields:
    target, status = _target(descriptor), descriptor.stat()
    kind = TYPES.get(status.st_mode & 0o170000, "other")
    device = f"{os.major(status.st_dev)}:{os.minor(status.st_dev)}"
    fields: Fields = {"file.inode": str(status.st_ino), "file.device": device, "file.type": kind}
    if kind == "socket":
        known = connections.get(str(status.st_ino), {})
        return {**fields, "event.category": "network", "event.action": "connect", **known}
    info = (descriptor.parent.parent / "fdinfo" / descriptor.name).read_text()
    flags = int(next(line.split()[1] for line in info.splitlines() if line.startswith("flags:")), 8)
    fields |= {"file.flags": _ACCESS.get(flags & os.O_ACCMODE, []), **named(target)}
    return {**fields, "event.category": "file", "event.action": "open"}


def _connections(pid: int) -> dict[str, Fields]:
    """The established connections of the process's network namespace, by socket inode.

    One whose own port is listened at was accepted there.
    """
    found: dict[str, Fields] = {}
    for name, family in _TABLES.items():
        with suppress(OSError):
            table = (_PROC / str(pid) / "net" / name).read_text().splitlines()[1:]
            rows = [line.split() for line in table]
            listened = {row[1].partition(":")[2] for row in rows if row[3] == _LISTENING}
            for row in rows:
                if row[3] == _ESTABLISHED:
                    accepted = row[1].partition(":")[2] in listened
                    ends = (*_address(row[1], family), *_address(row[2], family))
                    end = Endpoint(family, name.rstrip("6"), *ends)
                    found[row[9]] = described(end, outward=not accepted)
                    found[row[9]]["event.action"] = "accept" if accepted else "connect"
    return found


def _address(text: str, family: socket.AddressFamily) -> tuple[str, int]:
    """Read an address of /proc/net/tcp: 32-bit words in host order, port in hexadecimal.

    >>> _address("0100007F:1F90", socket.AF_INET)
    ('127.0.0.1', 8080)
    """
    words, _, port = text.partition(":")
    raw = b"".join(bytes.fromhex(words[at : at + 8])[::-1] for at in range(0, len(words), 8))
    return socket.inet_ntop(family, raw).removeprefix("::ffff:"), int(port, 16)
