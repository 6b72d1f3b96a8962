"""macOS's `eslogger`: one EndpointSecurity message a line.

Field names: Apple's EndpointSecurity ESMessage.h and the JSON of eslogger(1), schema version 1.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from capture.environment import allowed
from capture.formats import Imported, checked, numbered, objects
from capture.linux.files import named
from workbench.dataset.session import Loss
from workbench.event import Value, parse_timestamp

Fields = dict[str, Value]
Body = dict[str, Any]

CANNOT_SEE = (
    "network connections, DNS and TLS: eslogger has no such events",
    "bytes moved by reads and writes",
)

_FREAD, _FWRITE, _O_APPEND, _O_CREAT, _O_TRUNC = 1, 2, 0x8, 0x200, 0x400
_NOTHING: tuple[str, Body] = ("nothing", {})
_PROT_WRITE, _MAP_SHARED = 2, 1


def read(lines: Iterable[bytes], path: str) -> Imported:
    """Read a log; gaps in `global_seq_num` are losses, unknown event types are counted.

    Raises InputError naming the lines that are not messages.
    """
    events: list[Fields] = []
    unknown: Counter[str] = Counter()
    dropped, last = 0, None
    for message in objects(lines, path):
        sequence = message.get("global_seq_num")
        if isinstance(sequence, int):
            dropped += sequence - last - 1 if last is not None and sequence > last else 0
            last = sequence
        event = message.get("event")
        kind, body = next(iter(event.items()), _NOTHING) if isinstance(event, dict) else _NOTHING
        tell = _TELLERS.get(kind)
        if tell is None:
            unknown[f"unknown_{kind}"] += 1
            continue
        events += checked(kind, unknown, _event, message, tell, body)
    loss = Loss(dropped=dropped, detail={**unknown, **({"sequence_gap": dropped} if dropped else {})})
    return Imported(numbered(events, "eslogger"), loss, CANNOT_SEE)


def _event(message: Body, tell: Callable[[Body], Fields], body: Body | None) -> Fields:
    return _message(message) | tell(body or {})


def _message(message: Body) -> Fields:
    process = message["process"]
    fields: Fields = {"@timestamp": parse_timestamp(message["time"]), "host.os.type": "macos"}
    if "global_seq_num" in message:
        fields["event.sequence"] = message["global_seq_num"]
    parent = process.get("parent_audit_token") or {}
    fields |= {
        "process.pid": process["audit_token"]["pid"],
        "process.entity_id": _entity(process),
        "process.executable": process["executable"]["path"],
        "process.name": posixpath.basename(process["executable"]["path"]),
        "user.id": str(process["audit_token"]["euid"]),
        "process.parent.pid": process["ppid"],
    }
    if "pidversion" in parent:
        fields["process.parent.entity_id"] = f"mac-{parent['pidversion']:x}-{parent['pid']:x}"
    return fields


def _entity(process: Body) -> str:
    """A process's version counter is unique since boot, as its start time would be."""
    token = process["audit_token"]
    return f"mac-{token['pidversion']:x}-{token['pid']:x}"


def _action(category: str, action: str, **fields: Value) -> Fields:
    return {"event.category": category, "event.action": action, **fields}


def _file(file: Body) -> Fields:
    fields: Fields = dict(named(file["path"]))
    if stat := file.get("stat"):
        fields["file.inode"], fields["file.device"] = str(stat["st_ino"]), str(stat["st_dev"])
    return fields


def _destination(body: Body) -> Fields:
    """The file made or replaced: an existing one, or a name in a directory."""
    destination = body["destination"]
    if existing := destination.get("existing_file"):
        return _file(existing)
    new = destination["new_path"]
    return dict(named(posixpath.join(new["dir"]["path"], new["filename"])))


def _exec(body: Body) -> Fields:
    target, args = body["target"], body.get("args") or []
    fields = _action("process", "exec", **{"event.outcome": "success"})
    fields |= {
        "process.entity_id": _entity(target),
        "process.executable": target["executable"]["path"],
        "process.name": posixpath.basename(target["executable"]["path"]),
        "process.args": args,
        "process.args_count": len(args),
        "process.command_line": " ".join(args),
        **_file(target["executable"]),
    }
    if body.get("cwd"):
        fields["process.working_directory"] = body["cwd"]["path"]
    if kept := allowed(body.get("env") or []):
        fields["process.env_vars"] = kept
    return fields


def _target(body: Body) -> Fields:
    target = body["child"] if "child" in body else body["target"]
    return {"process.target.pid": target["audit_token"]["pid"], "process.target.entity_id": _entity(target)}


def _exit(body: Body) -> Fields:
    status = body["stat"]
    codes: Fields = {"process.exit_code": status >> 8 & 0xFF, "process.exit_signal": status & 0x7F}
    return _action("process", "exit") | codes


def _open(body: Body) -> Fields:
    flags = body["fflag"]
    names = (
        (_FREAD, "read"),
        (_FWRITE, "write"),
        (_O_CREAT, "create"),
        (_O_TRUNC, "truncate"),
        (_O_APPEND, "append"),
    )
    return (
        _action("file", "open") | _file(body["file"]) | {"file.flags": [n for bit, n in names if flags & bit]}
    )


def _rename(body: Body) -> Fields:
    return _action("file", "rename") | _destination(body) | {"file.original.path": body["source"]["path"]}


def _link(body: Body) -> Fields:
    path = posixpath.join(body["target_dir"]["path"], body["target_filename"])
    return _action("file", "link") | named(path) | {"file.original.path": body["source"]["path"]}


def _clone(body: Body) -> Fields:
    path = posixpath.join(body["target_dir"]["path"], body["target_name"])
    return _action("file", "create") | named(path) | {"file.original.path": body["source"]["path"]}


def _mmap(body: Body) -> Fields:
    if not (body["protection"] & _PROT_WRITE and body["flags"] & _MAP_SHARED):
        raise ValueError("a mapping that changes no file")
    return _action("file", "mmap_write") | _file(body["source"])


def _owner(body: Body) -> Fields:
    owner: Fields = {"file.uid": str(body["uid"]), "file.gid": str(body["gid"])}
    return _action("file", "chown") | _file(body["target"]) | owner


def _connect(body: Body) -> Fields:
    return _action("network", "connect", **{"network.transport": "unix", "network.type": "unix"}) | _file(
        body["file"]
    )


def _bind(body: Body) -> Fields:
    path = posixpath.join(body["dir"]["path"], body["filename"])
    return _action("network", "bind", **{"network.transport": "unix", "network.type": "unix"}) | named(path)


def _user(name: str) -> Callable[[Body], Fields]:
    return lambda body: _action("process", "setuid", **{"process.real_user.id": str(body[name])})


def _on(action: str) -> Callable[[Body], Fields]:
    return lambda body: _action("file", action) | _file(body["target"])


def _traced(body: Body) -> Fields:
    return _action("process", "ptrace") | _target(body)


_TELLERS: dict[str, Callable[[Body], Fields]] = {
    "exec": _exec,
    "fork": lambda body: _action("process", "fork") | _target(body),
    "exit": _exit,
    "signal": lambda body: _action("process", "signal", **{"process.signal": body["sig"]}) | _target(body),
    "trace": _traced,
    "get_task": _traced,
    "get_task_read": _traced,
    "remote_thread_create": _traced,
    "setuid": _user("uid"),
    "seteuid": _user("euid"),
    "setreuid": _user("euid"),
    "open": _open,
    "create": lambda body: _action("file", "create") | _destination(body),
    "clone": _clone,
    "copyfile": _clone,
    "write": _on("write"),
    "truncate": _on("write"),
    "rename": _rename,
    "link": _link,
    "unlink": _on("delete"),
    "setmode": lambda body: _on("chmod")(body) | {"file.mode": f"{body['mode'] & 0o7777:04o}"},
    "setowner": _owner,
    "mmap": _mmap,
    "uipc_connect": _connect,
    "uipc_bind": _bind,
}
