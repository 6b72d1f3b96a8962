"""A system call means the same, whoever tells of it: strace, an audit log, or the kernel programs."""

from __future__ import annotations

from struct import pack
from typing import Any

import pytest

from capture.bcc.calls import Calls
from capture.bcc.records import Kind, Record
from capture.formats import reader
from capture.linux.syscalls import syscalls
from capture.redact import Redactor
from capture.strace.decode import Decoder
from capture.strace.parse import Call
from capture.strace.processes import Processes

Told = dict[str, Any]
AUDIT = (
    "type=SYSCALL msg=audit(1767323045.101:501): arch=c000003e syscall={nr} success={success} exit={ret}"
    ' {arguments} items=1 ppid=40 pid=41 uid=1000 comm="x" exe="/bin/x"\n'
    'type=CWD msg=audit(1767323045.101:501): cwd="/srv"\n'
    'type=PATH msg=audit(1767323045.101:501): item=0 name="f" nametype={nametype}\n'
)
OF_CALL = (
    *("event.category", "event.action", "event.outcome", "error.code"),
    *("file.flags", "file.mode", "file.uid", "file.gid", "process.real_user.id", "process.target.pid"),
)


def by_strace(name: str, arguments: list[str], error: str) -> Told:
    processes = Processes("boot", 0, {})
    processes.begin(7_000_000, 1, None, "/bin/x", "/srv", "0")
    decoder = Decoder(processes)
    decoder.begin()
    (event,) = decoder.decode(Call(7_000_000, 2, name, arguments, -1 if error else 0, "", error))
    return event


def by_auditd(name: str, values: list[int], ret: int, nametype: str) -> Told:
    arguments = " ".join(f"a{at}={value & (1 << 64) - 1:x}" for at, value in enumerate(values))
    text = AUDIT.format(
        nr=syscalls()[name].nr,
        success="no" if ret < 0 else "yes",
        ret=ret,
        arguments=arguments,
        nametype=nametype,
    )
    (event,) = reader("auditd")([line.encode() for line in text.splitlines()], "x").events
    return event


def by_kernel(name: str, values: list[int], ret: int) -> Told:
    call = syscalls()[name]
    x, y = (values[at] & (1 << 64) - 1 if at is not None else 0 for at in (call.x, call.y))
    numbers = pack("<qQQQQQ", ret, 0, 0, x, y, 0)
    header = pack("<HHHHHHHH", Kind.CALL, call.nr, 0, 0, 7, 0, 0, 0)
    return Calls(Redactor()).told(Record.read(bytes(56) + bytes(24) + numbers + header + b"/srv/f\0"))


@pytest.mark.parametrize(
    ("name", "arguments", "values", "wanted"),
    [
        ("chown", ['"f"', "0", "-1"], [0, 0, -1], {"event.action": "chown", "file.uid": "0"}),
        ("chown", ['"f"', "-1", "-1"], [0, -1, -1], {"event.action": "chown"}),
        ("chmod", ['"f"', "04755"], [0, 0o4755], {"event.action": "chmod", "file.mode": "4755"}),
        (
            "mknod",
            ['"f"', "S_IFIFO|0644"],
            [0, 0o10644],
            {"event.action": "create", "file.mode": "0644"},
        ),
        ("mkdir", ['"f"', "0700"], [0, 0o700], {"event.action": "create", "file.mode": "0700"}),
        ("setuid", ["0"], [0], {"event.action": "setuid", "process.real_user.id": "0"}),
        ("setresuid", ["0", "-1", "0"], [0, -1, 0], {"event.action": "setuid"}),
        ("ptrace", ["PTRACE_ATTACH", "41"], [16, 41], {"event.action": "ptrace", "process.target.pid": 41}),
        (
            "open",
            ['"f"', "O_WRONLY|O_APPEND"],
            [0, 0o2001],
            {"event.action": "open", "file.flags": ["write", "append"]},
        ),
    ],
)
def test_what_was_done_is_the_same(name: str, arguments: list[str], values: list[int], wanted: Told) -> None:
    category = "process" if wanted["event.action"] in ("setuid", "ptrace") else "file"
    wanted = {"event.category": category, "event.outcome": "success", **wanted}
    nametype = "CREATE" if wanted["event.action"] == "create" else "NORMAL"
    for event in (
        by_strace(name, arguments, ""),
        by_auditd(name, values, 0, nametype),
        by_kernel(name, values, 0),
    ):
        assert {field: event[field] for field in OF_CALL if field in event} == wanted


@pytest.mark.parametrize(
    ("error", "ret", "outcome"),
    [("EACCES", -13, "failure"), ("EINTR", -4, "unknown"), ("ENOENT", -2, "failure")],
)
def test_what_failed_is_the_same(error: str, ret: int, outcome: str) -> None:
    for event in (
        by_strace("chmod", ['"f"', "0644"], error),
        by_auditd("chmod", [0, 0o644], ret, "NORMAL"),
        by_kernel("chmod", [0, 0o644], ret),
    ):
        assert (event["event.outcome"], event["error.code"]) == (outcome, error)


def test_what_opens_may_say_its_flags_in_a_structure() -> None:
    structure = "{flags=O_RDWR|O_CREAT, mode=0644, resolve=RESOLVE_BENEATH}"
    event = by_strace("openat2", ["AT_FDCWD", '"f"', structure, "24"], "")
    assert (event["event.action"], event["file.flags"]) == ("create", ["read", "write", "create"])
