"""Tetragon's JSON export: one event a line.

Field names: Tetragon's API reference (tetragon/events.proto), version 1.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable
from typing import Any

from capture.formats import Imported, checked, numbered, objects
from capture.linux.files import named
from workbench.dataset.session import Loss
from workbench.event import Value, parse_timestamp

Fields = dict[str, Value]
Body = dict[str, Any]

CANNOT_SEE = (
    "file and network events that no tracing policy asked for",
    "bytes moved by reads and writes, unless a policy tells them",
    "argument boundaries: arguments are told as one text",
)

_FILES = {
    "fd_install": "open",
    "security_file_open": "open",
    "file_open": "open",
    "security_file_permission": "read",
    "security_mmap_file": "mmap_write",
    "security_path_truncate": "write",
    "sys_read": "read",
    "sys_write": "write",
    "sys_openat": "open",
    "sys_unlinkat": "delete",
    "sys_unlink": "delete",
    "security_path_unlink": "delete",
    "security_inode_unlink": "delete",
}
_SOCKETS = {
    "tcp_connect": "connect",
    "security_socket_connect": "connect",
    "tcp_sendmsg": "send",
    "udp_sendmsg": "send",
}
_WRITE = 2  # MAY_WRITE of security_file_permission
_SIGNALS = {"SIGHUP": 1, "SIGINT": 2, "SIGQUIT": 3, "SIGABRT": 6, "SIGKILL": 9, "SIGSEGV": 11, "SIGTERM": 15}


def read(lines: Iterable[bytes], path: str) -> Imported:
    """Read an export; what Tetragon says it dropped is loss, unknown events and hooks are counted.

    Raises InputError naming the lines that are not events.
    """
    events: list[Fields] = []
    counts: Counter[str] = Counter()
    for record in objects(lines, path):
        kind = next(
            (name for name in record if name not in ("time", "node_name", "aggregation_info")), "nothing"
        )
        events += checked(kind, counts, _event, kind, record, counts)
    return Imported(
        numbered(events, "tetragon"), Loss(dropped=counts["rate_limited"], detail=dict(+counts)), CANNOT_SEE
    )


def _event(kind: str, record: Body, counts: Counter[str]) -> Fields | None:
    body = record[kind]
    if kind == "rate_limit_info":
        counts["rate_limited"] += int(body.get("number_of_dropped_process_events", 0))
        return None
    told = _tell(kind, body)
    if told is None:
        counts[f"unknown_{kind}:{body.get('function_name', '')}".rstrip(":")] += 1
        return None
    return {"@timestamp": parse_timestamp(record["time"]), "host.os.type": "linux", **told}


def _tell(kind: str, body: Body) -> Fields | None:
    fields = _process(body["process"], body.get("parent") or {})
    match kind:
        case "process_exec":
            return fields | _exec(body["process"])
        case "process_exit":
            codes: Fields = {"process.exit_code": int(body.get("status", 0))}
            codes["process.exit_signal"] = _SIGNALS.get(body.get("signal", ""), 0)
            return fields | codes | {"event.category": "process", "event.action": "exit"}
        case "process_kprobe" | "process_lsm":
            hook = _hook(body)
            return None if hook is None else fields | hook
    return None


def _process(process: Body, parent: Body) -> Fields:
    fields: Fields = {
        "process.entity_id": process["exec_id"],
        "process.pid": process["pid"],
        "process.executable": process["binary"],
        "process.name": process["binary"].rpartition("/")[2],
        "process.working_directory": process.get("cwd", ""),
        "user.id": str(process.get("uid", "")),
    }
    if "tid" in process:
        fields["process.thread.id"] = process["tid"]
    if "start_time" in process:
        fields["process.start"] = parse_timestamp(process["start_time"])
    if parent:
        fields |= {"process.parent.entity_id": parent["exec_id"], "process.parent.pid": parent["pid"]}
        fields["process.parent.executable"] = parent["binary"]
    return {name: value for name, value in fields.items() if value != ""}


def _exec(process: Body) -> Fields:
    text = process.get("arguments", "")
    try:
        args = [process["binary"], *shlex.split(text)]
    except ValueError:
        args = [process["binary"], *text.split()]
    return {
        "event.category": "process",
        "event.action": "exec",
        "event.outcome": "success",
        "process.args": args,
        "process.command_line": f"{process['binary']} {text}".rstrip(),
        **named(process["binary"]),
    }


def _hook(body: Body) -> Fields | None:
    function = body["function_name"].removeprefix("__x64_")
    args = body.get("args") or []
    if action := _FILES.get(function):
        path = next((p for arg in args if (p := _path(arg))), None)
        if path is None:
            return None
        mask = next((arg["int_arg"] for arg in args if "int_arg" in arg), 0)
        if function == "security_file_permission" and mask & _WRITE:
            action = "write"
        return {"event.category": "file", "event.action": action, **named(path)}
    if action := _SOCKETS.get(function):
        end = next((arg["sock_arg"] for arg in args if "sock_arg" in arg), None)
        return None if end is None else _socket(action, end)
    return None


def _path(arg: Body) -> str | None:
    for kind in ("file_arg", "path_arg"):
        if kind in arg:
            return str(arg[kind]["path"])
    return arg.get("string_arg")


def _socket(action: str, end: Body) -> Fields:
    return {
        "event.category": "network",
        "event.action": action,
        "network.transport": end.get("protocol", "IPPROTO_TCP").removeprefix("IPPROTO_").lower(),
        "network.type": "ipv6" if ":" in end["daddr"] else "ipv4",
        "network.direction": "egress",
        "network.initiated": action == "connect",
        "source.ip": end["saddr"],
        "source.port": int(end.get("sport", 0)),
        "destination.ip": end["daddr"],
        "destination.port": int(end["dport"]),
    }
