"""The auditd view of an event: the records that Linux's audit daemon would have written for it.

Rules with `product: linux`, `service: auditd` are matched against each record by itself, as they are against
auditd's log. Only what an event really holds is derived: a field it cannot know is absent, never guessed.
"""

from __future__ import annotations

from workbench.event import Event, Value

SYSCALLS: dict[tuple[str, str], tuple[str, int]] = {
    ("process", "fork"): ("clone", 56),
    ("process", "exec"): ("execve", 59),
    ("process", "exit"): ("exit_group", 231),
    ("process", "signal"): ("kill", 62),
    ("process", "ptrace"): ("ptrace", 101),
    ("process", "setuid"): ("setuid", 105),
    ("process", "memfd"): ("memfd_create", 319),
    ("file", "open"): ("openat", 257),
    ("file", "read"): ("read", 0),
    ("file", "write"): ("write", 1),
    ("file", "create"): ("openat", 257),
    ("file", "rename"): ("rename", 82),
    ("file", "link"): ("link", 86),
    ("file", "delete"): ("unlink", 87),
    ("file", "chmod"): ("chmod", 90),
    ("file", "chown"): ("chown", 92),
    ("network", "connect"): ("connect", 42),
    ("network", "accept"): ("accept", 43),
    ("network", "bind"): ("bind", 49),
    ("network", "send"): ("sendto", 44),
    ("network", "receive"): ("recvfrom", 45),
}
"""Event kind → the system call its SYSCALL record names, and that call's number on x86-64."""

RECORDS: dict[str, frozenset[str]] = {
    "SYSCALL": frozenset(
        {"syscall", "SYSCALL", "exe", "comm", "pid", "ppid", "uid", "success", "exit", "sig"}
    ),
    "EXECVE": frozenset({"argc"}),
    "CWD": frozenset({"cwd"}),
    "PATH": frozenset({"name", "nametype"}),
    "SOCKADDR": frozenset({"laddr", "lport"}),
    "PROCTITLE": frozenset({"proctitle"}),
}
"""The types of the records that are derived → their fields, beside `type` and EXECVE's a0, a1 …"""


def holds(record: str, field: str) -> bool:
    """Whether a record of this type may have a field.

    >>> holds("EXECVE", "a12"), holds("SYSCALL", "a0"), holds("PATH", "type")
    (True, False, True)
    """
    argument = record == "EXECVE" and field[:1] == "a" and field[1:].isdecimal()
    return argument or field == "type" or field in RECORDS[record]


FIELDS = frozenset({"type"}.union(*RECORDS.values()))
"""The record fields that a rule may name, beside EXECVE's a0, a1 …"""

_SYSCALL: dict[str, str] = {
    "process.executable": "exe",
    "process.name": "comm",
    "process.pid": "pid",
    "process.parent.pid": "ppid",
    "user.id": "uid",
    "process.signal": "sig",
}
_NAMETYPES = {"create": "CREATE", "delete": "DELETE"}


def records(event: Event) -> list[dict[str, Value]]:
    """Derive the records of a Linux event; none for kinds that auditd does not see.

    >>> exec_ = {"event.category": "process", "event.action": "exec", "process.executable": "/bin/nc",
    ...          "process.args": ["nc", "-l"], "process.working_directory": "/tmp"}
    >>> [record["type"] for record in records(exec_)]
    ['SYSCALL', 'EXECVE', 'CWD', 'PATH']
    >>> records(exec_)[1]
    {'type': 'EXECVE', 'argc': 2, 'a0': 'nc', 'a1': '-l'}
    """
    kind = (str(event.get("event.category")), str(event.get("event.action")))
    syscall = SYSCALLS.get(kind)
    if syscall is None or event.get("host.os.type", "linux") != "linux":
        return []
    found = [_syscall(event, syscall)]
    for record in (_execve, _cwd, _paths, _sockaddr, _proctitle):
        found.extend(record(event))
    return found


def _syscall(event: Event, syscall: tuple[str, int]) -> dict[str, Value]:
    name, number = syscall
    # auditd logs the number, its interpreting tools the name: a rule may be written for either.
    record: dict[str, Value] = {"type": "SYSCALL", "syscall": [name, str(number)], "SYSCALL": name}
    record.update({name: event[field] for field, name in _SYSCALL.items() if field in event})
    if "event.outcome" in event:
        record["success"] = "yes" if event["event.outcome"] == "success" else "no"
    if "error.code" in event:
        record["exit"] = event["error.code"]
    return record


def _execve(event: Event) -> list[dict[str, Value]]:
    args = event.get("process.args")
    if event.get("event.action") != "exec" or not isinstance(args, list):
        return []
    record: dict[str, Value] = {"type": "EXECVE", "argc": event.get("process.args_count", len(args))}
    record.update({f"a{position}": arg for position, arg in enumerate(args)})
    return [record]


def _cwd(event: Event) -> list[dict[str, Value]]:
    directory = event.get("process.working_directory")
    return [{"type": "CWD", "cwd": directory}] if directory is not None else []


def _paths(event: Event) -> list[dict[str, Value]]:
    kind = _NAMETYPES.get(str(event.get("event.action")), "NORMAL")
    if event.get("event.action") == "exec":
        paths = [event.get("file.path", event.get("process.executable"))]
    else:
        paths = [event.get("file.path"), event.get("file.original.path")]
    return [{"type": "PATH", "name": path, "nametype": kind} for path in paths if path is not None]


def _sockaddr(event: Event) -> list[dict[str, Value]]:
    if event.get("event.category") != "network":
        return []
    record: dict[str, Value] = {"type": "SOCKADDR"}
    for field, name in (("destination.ip", "laddr"), ("destination.port", "lport")):
        if field in event:
            record[name] = event[field]
    return [record] if len(record) > 1 else []


def _proctitle(event: Event) -> list[dict[str, Value]]:
    line = event.get("process.command_line")
    return [{"type": "PROCTITLE", "proctitle": line}] if line is not None else []
