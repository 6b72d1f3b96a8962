"""What a descriptor stands for, as `strace -yy` writes it beside the number, as fields."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from capture.linux.files import TYPES, named
from workbench.event import Value

Fields = dict[str, Value]

_ENDS = re.compile(r"(TCP|UDP|TCPv6|UDPv6):\[(?:\[?([^\]]*?)\]?:(\d+))?(?:->\[?([^\]]*?)\]?:(\d+))?\]?")


def target(stands_for: str) -> Fields:
    """Give the fields of what a descriptor stands for, as `-yy` writes it."""
    if pipe := re.fullmatch(r"pipe:\[(\d+)\]", stands_for):
        return {"file.path": stands_for, "file.inode": pipe[1], "file.type": "pipe"}
    if re.match(r"(TCP|UDP|UNIX|socket|NETLINK)", stands_for):
        return {"file.type": "socket"}
    path = re.sub(r"<(char|block) \d+:\d+>$", "", stands_for).removesuffix(" (deleted)")
    fields: Fields = dict(named(path))
    if path.startswith("/memfd:"):
        return fields | {"file.type": "memfd"}
    try:
        status = Path(path).lstat()
    except (OSError, ValueError):
        return fields
    device = f"{os.major(status.st_dev)}:{os.minor(status.st_dev)}"
    kind = TYPES.get(stat.S_IFMT(status.st_mode), "other")
    return fields | {"file.inode": str(status.st_ino), "file.device": device, "file.type": kind}


def ends(stands_for: str, outward: bool) -> Fields:
    """Give the fields of a socket's two ends."""
    fields: Fields = {"network.direction": "egress" if outward else "ingress"}
    if stands_for.startswith("UNIX"):
        inode = re.search(r"\[(\d+)(?:->(\d+))?", stands_for)
        if inode:
            fields["file.inode"] = (inode[2] or inode[1]) if outward else inode[1]
        return fields | {"network.transport": "unix", "network.type": "unix"}
    match = _ENDS.match(stands_for)
    if match is None:
        return fields
    fields["network.transport"] = match[1][:3].lower()
    fields["network.type"] = "ipv6" if match[1].endswith("v6") else "ipv4"
    here, there = (match[2], match[3]), (match[4], match[5])
    source, destination = (here, there) if outward else (there, here)
    for side, (ip, port) in (("source", source), ("destination", destination)):
        if ip and port:
            fields |= {f"{side}.ip": ip, f"{side}.port": int(port)}
    return fields
