"""Records of the kernel programs become events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from capture.bcc.calls import Calls, returned
from capture.bcc.endpoints import endpoint
from capture.bcc.files import given, identified, walked
from capture.bcc.processes import Processes
from capture.bcc.records import NOTHING, WHAT, Cut, Kind, Record
from capture.clock import Clock
from capture.environment import allowed
from capture.linux.addresses import address, described
from capture.linux.files import named
from capture.linux.names import Names
from capture.redact import Redactor
from capture.wire import dns, http, smtp, tls
from workbench.event import Value

Fields = dict[str, Value]

_SOCKET = 0o140000
_WORDS = {Kind.EXEC, Kind.ADDRESS, Kind.DNS, Kind.TLS, Kind.HTTP, Kind.PLAINTEXT, Kind.SMTP}
"""Records that bring texts of their own; what others tell was redacted when it was first kept."""
_HTTP2 = b"PRI * HTTP/2"


class Decoder:
    """Turns records into events without secrets, and counts what was cut or could not be told."""

    def __init__(self, clock: Clock, host: Fields, redactor: Redactor, *, bodies: bool = False) -> None:
        self._clock, self._redactor = clock, redactor
        self._processes = Processes(clock, host, redactor.event)
        self._calls = Calls(redactor)
        self._names = Names()
        self._ends: dict[tuple[int, int], bytes] = {}
        self._bodies = bodies
        self._http2 = 0
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
            Kind.SMTP: self._smtp,
        }

    def decode(self, raw: bytes, at: int, thread: int) -> Fields | None:
        """Give the event of a record made at a time by a thread, None when it holds nothing to tell."""
        event = self._processes.fields(raw)
        event["@timestamp"] = self._clock.at(at)
        event["process.thread.id"] = thread
        again = self._calls.again(raw[WHAT])
        if again is None:
            return self._read(Record.read(raw), event)
        event.update(again)
        return event

    def _read(self, record: Record, event: Fields) -> Fields | None:
        if record.cut:
            self.truncated.update(str(cut.name).lower() for cut in Cut(record.cut))
        told = self._readers[record.kind](record, event)
        return self._redactor.event(told) if told and record.kind in _WORDS else told

    def not_visible(self) -> dict[str, int]:
        """Count what was done where we cannot look."""
        return {"mapped_files": self._calls.mapped, "http2_in_tls": self._http2}

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
        event.update(self._calls.told(record))
        return event

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
        event.update(self._calls.file(record))
        return event

    def _end(self, record: Record) -> bytes:
        key = (record.tgid, record.ret)
        if record.length0:
            if len(self._ends) >= 65_536:
                self._ends.clear()
            self._ends[key] = record.first
        return self._ends.get(key, b"")

    def _address(self, record: Record, event: Fields) -> Fields:
        action = self._calls.action(record.nr)
        raw, given_address, directory, _ = record.parts()
        end = endpoint(raw)
        ip, port, path = address(given_address)
        event["event.category"], event["event.action"] = "network", action
        event.update(returned(record.ret))
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
            self._names.learn(self._redactor.text(message.name), message.addresses)
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
        request = http.request(record.parts()[1], body=self._bodies)
        return self._said("http_request", request, record, event)

    def _smtp(self, record: Record, event: Fields) -> Fields | None:
        return self._said("smtp_command", smtp.envelope(record.parts()[1]), record, event)

    def _said(self, action: str, told: Fields | None, record: Record, event: Fields) -> Fields | None:
        """Give the event of what a process said to a peer, None where it was nothing of the kind."""
        if told is None:
            return None
        event["event.category"], event["event.action"] = "network", action
        event.update(told)
        event.update(self._names.resolve(described(endpoint(record.parts()[0]), outward=True)))
        return event

    def _plaintext(self, record: Record, event: Fields) -> Fields | None:
        payload = record.parts()[1]
        if payload.startswith(_HTTP2):
            self._http2 += 1
        return self._http(record, event) or self._smtp(record, event)
