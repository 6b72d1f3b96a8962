"""Linux audit logs: the records of one event share a serial number.

Record types and fields: linux-audit/audit-documentation, field-dictionary.csv. System calls are understood
for x86-64, by the same table as the kernel source's.
"""

from __future__ import annotations

import errno
import posixpath
import re
from collections import Counter
from collections.abc import Iterable

from capture.formats import Imported, checked, numbered
from capture.linux.addresses import address
from capture.linux.files import named
from capture.linux.meaning import CATEGORY, numbers, outcome
from capture.linux.syscalls import Syscall, syscalls
from workbench.dataset.session import Loss
from workbench.errors import Faults, InputError, Place
from workbench.event import Value

Fields = dict[str, Value]
Record = dict[str, str]

CANNOT_SEE = (
    "calls that no audit rule asked for",
    "bytes moved by reads and writes",
    "DNS questions, TLS server names and requests",
)

_LINE = re.compile(r"(?:node=\S+ )?type=(\S+) msg=audit\((\d{1,12})\.(\d{3}):(\d{1,18})\):\s?(.*)")
_FIELD = re.compile(r'([\w-]+)=("[^"]*"|\'[^\']*\'|\S*)')
_LOST = re.compile(r"audit_lost=(\d{1,18})|\blost=(\d{1,18})")
_X86_64 = "c000003e"


def read(lines: Iterable[bytes], path: str) -> Imported:
    """Read an audit log; raises InputError naming the first lines that are not audit records."""
    grouped: dict[tuple[int, int], list[tuple[str, Record]]] = {}
    counts: Counter[str] = Counter()
    faults = Faults()
    lost = 0
    for number, line in enumerate(lines, 1):
        text = line.decode(errors="replace").strip()
        match = _LINE.fullmatch(text)
        if match is None:
            if text and text != "----":
                faults.add(InputError("not an audit record", place=Place(path, number)))
            continue
        kind, seconds, millis, serial, rest = match.groups()
        if found := _LOST.search(rest):
            lost = max(lost, int(found[1] or found[2]))
        record = dict(_FIELD.findall(rest.partition("\x1d")[0]))
        grouped.setdefault((int(seconds + millis) * 1_000_000, int(serial)), []).append((kind, record))
    if faults:
        raise InputError(str(faults), mend="the log as auditd writes it: type=… msg=audit(…): …")
    events: list[Fields] = []
    for key, records in grouped.items():
        events += checked(records[0][0], counts, _event, *key, records, counts)
    return Imported(numbered(events, "auditd"), Loss(dropped=lost, detail=dict(counts)), CANNOT_SEE)


def _event(time: int, serial: int, records: list[tuple[str, Record]], counts: Counter[str]) -> Fields | None:
    by_kind: dict[str, list[Record]] = {}
    for kind, record in records:
        by_kind.setdefault(kind, []).append(record)
    if "SYSCALL" not in by_kind:
        counts[f"unknown_{records[0][0]}"] += 1
        return None
    call = by_kind["SYSCALL"][0]
    known = _known(call)
    if known is None:
        counts["unknown_syscall"] += 1
        return None
    event = {"@timestamp": time, "event.sequence": serial, "host.os.type": "linux", **_process(call)}
    category = CATEGORY[known.action]
    event |= outcome(_error(call)) | {"event.category": category, "event.action": known.action}
    directory = _text(by_kind.get("CWD", [{}])[0].get("cwd", ""))
    if known.action == "exec":
        return event | _exec(by_kind.get("EXECVE", []), directory) | _files(by_kind, directory, 0)
    if category == "network":
        return event | _address(by_kind.get("SOCKADDR", []), known.action)
    event |= _files(by_kind, directory, -1)
    if (
        any(record.get("nametype") == "CREATE" for record in by_kind.get("PATH", []))
        and known.action == "open"
    ):
        event["event.action"] = "create"
    x, y = (int(call.get(f"a{at}", "0"), 16) if at is not None else 0 for at in (known.x, known.y))
    return event | numbers(known, x, y)


def _known(call: Record) -> Syscall | None:
    if call.get("arch") != _X86_64:
        return None
    number = call.get("syscall", "")
    table = syscalls()
    found = table.get(number) or next((c for c in table.values() if str(c.nr) == number), None)
    return found if found is not None and found.action else None


def _process(call: Record) -> Fields:
    fields: Fields = {
        "process.pid": int(call.get("pid", 0)),
        "process.parent.pid": int(call.get("ppid", 0)),
        "process.name": _text(call.get("comm", "")),
        "process.executable": _text(call.get("exe", "")),
        "user.id": call.get("uid", ""),
    }
    return {name: value for name, value in fields.items() if value != ""}


def _error(call: Record) -> str:
    if call.get("success") != "no":
        return ""
    code = call.get("exit", "")
    return errno.errorcode.get(-int(code), code) if code.lstrip("-").isdecimal() else code


def _text(value: str) -> str:
    """Read a value: quoted when plain, hexadecimal when it holds what would confuse a reader.

    >>> _text('"cat"'), _text("2F746D702F6120620A"), _text("(null)")
    ('cat', '/tmp/a b\\n', '')
    """
    if value.startswith('"'):
        return value.strip('"')
    if value in ("(null)", "(none)", "?"):
        return ""
    try:
        return bytes.fromhex(value).decode(errors="replace")
    except ValueError:
        return value


def _exec(records: list[Record], directory: str) -> Fields:
    merged = {name: value for record in records for name, value in record.items()}
    args: list[str] = []
    while (name := f"a{len(args)}") in merged:
        args.append(_text(merged[name]))
    fields: Fields = {
        "process.args": args,
        "process.args_count": len(args),
        "process.command_line": " ".join(args),
    }
    return fields | ({"process.working_directory": directory} if directory else {})


def _files(by_kind: dict[str, list[Record]], directory: str, which: int) -> Fields:
    """The file acted on, and for two files where it came from; parents are left out."""
    paths = [record for record in by_kind.get("PATH", []) if record.get("nametype") != "PARENT"]
    if not paths:
        return {}
    chosen = paths[which]
    fields: Fields = dict(named(posixpath.normpath(posixpath.join(directory, _text(chosen.get("name", ""))))))
    if chosen.get("inode"):
        fields["file.inode"] = chosen["inode"]
    if (device := chosen.get("dev", "")).count(":") == 1:
        major, minor = device.split(":")
        fields["file.device"] = f"{int(major, 16)}:{int(minor, 16)}"
    if which < 0 and len(paths) > 1:
        fields["file.original.path"] = posixpath.normpath(posixpath.join(directory, _text(paths[0]["name"])))
    return fields


def _address(records: list[Record], action: str) -> Fields:
    raw = bytes.fromhex(records[0]["saddr"]) if records and _is_hex(records[0].get("saddr", "")) else b""
    ip, port, path = address(raw)
    side = "destination" if action == "connect" else "source"
    fields: Fields = {"network.initiated": action == "connect"}
    if ip:
        fields |= {f"{side}.ip": ip, f"{side}.port": port, "network.type": "ipv6" if ":" in ip else "ipv4"}
    if path:
        fields |= {"network.transport": "unix", "network.type": "unix", **named(path)}
    return fields


def _is_hex(text: str) -> bool:
    return bool(re.fullmatch(r"(?:[0-9A-Fa-f]{2})+", text))
