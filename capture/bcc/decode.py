"""Records of the kernel programs become events."""

from __future__ import annotations

import errno
import posixpath
import stat
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from capture.bcc.addresses import address, described, endpoint
from capture.bcc.clock import Clock
from capture.bcc.files import given, identified, named, open_flags, opened, text, walked
from capture.bcc.names import Names
from capture.bcc.processes import Processes
from capture.bcc.records import NOTHING, WHAT, Cut, Kind, Record
from capture.bcc.syscalls import Syscall, syscalls
from capture.bcc.wire import dns, http, tls
from capture.environment import allowed
from workbench.event import Value

Fields = dict[str, Value]

_OPENS = 8192  # opens of which the fields are kept, for those of the same file in the same way
_CREATED = 1 << 20  # FMODE_CREATED
_OWN_PATH = 1 << 63  # the file's own path was walked, not the argument read
_RESTART = range(-516, -511)
_SOCKET = 0o140000
_HTTP2 = b"PRI * HTTP/2"
_CATEGORY = {
    "open": "file", "create": "file", "rename": "file", "link": "file", "delete": "file", "chmod": "file",
    "chown": "file", "mmap_write": "file", "exec": "process", "memfd": "process", "setuid": "process",
    "ptrace": "process",
}  # fmt: skip


class _Open(NamedTuple):
    """What an open told, and what is to be known of the file it opened."""

    fields: Fields
    key: tuple[int, int] | None
    file: Fields


class Decoder:
    """Turns records into events and counts what was cut or could not be told."""

    def __init__(self, clock: Clock, processes: Processes, *, bodies: bool = False) -> None:
        self._clock, self._processes = clock, processes
        self._names = Names()
        self._files: dict[tuple[int, int], Fields] = {}
        self._opens: dict[bytes, _Open] = {}
        self._ends: dict[tuple[int, int], bytes] = {}
        self._calls = {call.nr: call for call in syscalls().values()}
        self._bodies = bodies
        self.not_visible: Counter[str] = Counter()
        self.truncated: Counter[str] = Counter()
        self._readers: dict[int, Callable[[Record, Fields], Fields | None]] = {
            Kind.FORK: self._fork,
            Kind.EXEC: self._exec,
            Kind.EXIT: self._exit,
            Kind.SIGNAL: self._signal,
            Kind.CALL: self._call,
            Kind.IO: self._io,
            Kind.ADDRESS: self._address,
            Kind.DNS: self._dns,
            Kind.TLS: self._tls,
            Kind.HTTP: self._http,
            Kind.PLAINTEXT: self._plaintext,
        }

    def decode(self, raw: bytes, at: int, thread: int) -> Fields | None:
        """Give the event of a record made at a time by a thread, None when it holds nothing to tell."""
        event = self._processes.fields(raw)
        event["@timestamp"] = self._clock.at(at)
        event["process.thread.id"] = thread
        again = self._opens.get(raw[WHAT])
        if again is None:
            return self._read(Record.read(raw), event)
        event.update(again.fields)
        if again.key is not None:
            self._files[again.key] = again.file
        return event

    def _read(self, record: Record, event: Fields) -> Fields | None:
        for cut in Cut(record.cut):
            self.truncated[str(cut.name).lower()] += 1
        return self._readers[record.kind](record, event)

    def flow(self, pid: int, slot: int, flow: Any) -> Fields | None:
        """Give the event of what a flow had gathered when it was taken from the kernel's table."""
        fields = self._processes.latest(pid)
        if fields is None:
            return None
        told = {"tgid": pid, "ret": slot, "ts": flow.last, "e": flow.first, "kind": Kind.IO}
        told |= {"a": flow.inode, "b": flow.device_mode, "c": flow.bytes, "d": flow.operations}
        record = Record.read(NOTHING)._replace(**told)
        fields["@timestamp"] = self._clock.at(flow.last)
        return self._io(record, fields)

    def _fork(self, record: Record, event: Fields) -> Fields:
        event["event.category"], event["event.action"] = "process", "fork"
        event["process.target.pid"] = record.a
        event["process.target.entity_id"] = self._processes.fork(record)
        return event

    def _exec(self, record: Record, event: Fields) -> Fields:
        arguments, executable, directory, environment = record.parts()
        path = walked(executable)
        self._processes.exec(record, path)
        args = arguments.decode(errors="replace").split("\0")
        if not record.cut & Cut.ARGUMENTS:
            args.pop()
            event["process.args_count"] = len(args)
        event["event.category"], event["event.action"] = "process", "exec"
        event["event.outcome"] = "success"
        event["process.executable"] = path
        event["process.args"] = args
        event["process.command_line"] = " ".join(args)
        event["process.working_directory"] = walked(directory)
        if kept := allowed(environment.decode(errors="replace").split("\0")):
            event["process.env_vars"] = kept
        event.update(named(path))
        event.update(identified(record.a, record.b, path))
        return event

    def _exit(self, record: Record, event: Fields) -> Fields:
        self._processes.exit(record)
        event["event.category"], event["event.action"] = "process", "exit"
        event["process.exit_code"] = record.ret >> 8 & 0xFF
        event["process.exit_signal"] = record.ret & 0x7F
        return event

    def _signal(self, record: Record, event: Fields) -> Fields:
        event["event.category"], event["event.action"] = "process", "signal"
        event["process.signal"] = record.a
        event["process.target.pid"] = record.b
        event["process.target.entity_id"] = self._processes.entity(record.b, record.c)
        return event

    def _call(self, record: Record, event: Fields) -> Fields:
        call = self._calls[record.nr]
        fields = self._called(call, record)
        if call.action == "open" and not record.cut:
            if len(self._opens) >= _OPENS:
                self._opens.clear()
            key = (record.a, record.b) if record.e & _OWN_PATH else None
            self._opens[record.raw[WHAT]] = _Open(fields, key, self._files.get(key, {}) if key else {})
        event.update(fields)
        return event

    def _called(self, call: Syscall, record: Record) -> Fields:
        action = call.action
        event: Fields = {"event.category": _CATEGORY[action]}
        _outcome(record.ret, event)
        if record.e & _OWN_PATH:
            event.update(self._opened(record))
            if action == "open" and record.e & _CREATED:
                action = "create"
        elif call.path is not None:
            first, base, second, second_base = record.parts()
            path = given(first, base)
            if second:
                target, path = path, given(second, second_base)
                if call.text:  # a symbolic link's target starts from where the link lies
                    target = posixpath.normpath(posixpath.join(posixpath.dirname(path), text(first)))
                event["file.original.path"] = target
            event.update(named(path))
            if call.type:
                event["file.type"] = call.type
        event["event.action"] = action
        if action == "mmap_write" and stat.S_ISREG(record.b & 0xFFFF):
            self.not_visible["mapped_files"] += 1  # what is written through it, and how often, is not seen
        self._details(call, record, event)
        return event

    def _details(self, call: Syscall, record: Record, event: Fields) -> None:
        x, y = record.c & 0xFFFFFFFF, record.d & 0xFFFFFFFF
        match call.action:
            case "open":
                event["file.flags"] = open_flags(call.flags or x)
            case "create" | "chmod":
                event["file.mode"] = f"{y & 0o7777:04o}"
            case "chown":
                event.update({n: str(v) for n, v in (("file.uid", x), ("file.gid", y)) if v != 0xFFFFFFFF})
            case "setuid":
                event["process.real_user.id"] = str(x)
            case "ptrace":
                event["process.target.pid"] = x

    def _io(self, record: Record, event: Fields) -> Fields:
        out, socket = bool(record.ret & 1), record.b & 0o170000 == _SOCKET
        event["event.start"] = self._clock.at(record.e)
        event["event.end"] = event["@timestamp"]
        event["event.duration"] = record.ts - record.e
        event["io.bytes"], event["io.operations"] = record.c, record.d
        if socket:
            end = self._end(record)
            event["event.category"] = "network"
            event["event.action"] = "send" if out else "receive"
            event["network.bytes"] = record.c
            event.update(identified(record.a, record.b, ""))
            if end:
                event.update(self._names.resolve(described(endpoint(end), outward=out)))
            return event
        event["event.category"] = "file"
        event["event.action"] = "write" if out else "read"
        event.update(self._opened(record))
        return event

    def _opened(self, record: Record) -> Fields:
        """Give a file's fields, and remember or recall those of an inode; a pipe's path is its number."""
        key = (record.a, record.b)
        if not record.length0:
            return self._files.get(key) or identified(record.a, record.b, "")
        fields = opened(record.first, record.a, record.b)
        if fields["file.type"] == "pipe" and fields["file.path"] == "/":
            fields = {**identified(record.a, record.b, ""), "file.path": f"pipe:[{record.a}]"}
        if len(self._files) >= 65_536:
            self._files.clear()
        self._files[key] = fields
        return fields

    def _end(self, record: Record) -> bytes:
        key = (record.tgid, record.ret)
        if record.length0:
            if len(self._ends) >= 65_536:
                self._ends.clear()
            self._ends[key] = record.first
        return self._ends.get(key, b"")

    def _address(self, record: Record, event: Fields) -> Fields:
        action = self._calls[record.nr].action
        raw, given_address, directory, _ = record.parts()
        end = endpoint(raw)
        ip, port, path = address(given_address)
        event["event.category"], event["event.action"] = "network", action
        _outcome(record.ret, event)
        if action == "bind":
            end = end._replace(local=ip or end.local, local_port=port or end.local_port, peer="", peer_port=0)
        elif ip:
            end = end._replace(peer=ip, peer_port=port)
        event.update(described(end, outward=action != "accept", unspecified=action == "bind"))
        event["network.initiated"] = action == "connect"
        if action == "bind":
            del event["network.direction"]
        if path:
            event.update(named(path if path.startswith("@") else given(path.encode(), directory)))
        if record.a:
            event["file.inode"], event["file.type"] = str(record.a), "socket"
        return self._names.resolve(event)

    def _dns(self, record: Record, event: Fields) -> Fields | None:
        raw, payload, *_ = record.parts()
        message = dns.parse(payload)
        if message is None:
            return None
        event["event.category"], event["event.action"] = "network", "dns"
        event["dns.question.name"], event["dns.question.type"] = message.name, message.type
        if message.answer:
            event["dns.resolved_ip"] = message.addresses
            self._names.learn(message.name, message.addresses)
        event.update(described(endpoint(raw), outward=not message.answer))
        return event

    def _tls(self, record: Record, event: Fields) -> Fields:
        raw, payload, *_ = record.parts()
        event["event.category"], event["event.action"] = "network", "tls_client_hello"
        if name := tls.server_name(payload):
            event["tls.client.server_name"] = name
        event.update(self._names.resolve(described(endpoint(raw), outward=True)))
        return event

    def _http(self, record: Record, event: Fields) -> Fields | None:
        raw, payload, *_ = record.parts()
        request = http.request(payload, body=self._bodies)
        if request is None:
            return None
        event["event.category"], event["event.action"] = "network", "http_request"
        event.update(request)
        event.update(self._names.resolve(described(endpoint(raw), outward=True)))
        return event

    def _plaintext(self, record: Record, event: Fields) -> Fields | None:
        payload = record.parts()[1]
        if payload.startswith(_HTTP2):
            self.not_visible["http2_in_tls"] += 1
        return self._http(record, event)


def _outcome(ret: int, event: Fields) -> None:
    if ret >= 0:
        event["event.outcome"] = "success"
        return
    code = "EINTR" if ret in _RESTART else errno.errorcode.get(-ret, str(-ret))
    event["error.code"] = code
    event["event.outcome"] = "unknown" if code in ("EINPROGRESS", "EINTR") else "failure"
