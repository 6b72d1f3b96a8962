"""What strace tells becomes events, read by the same table of system calls as the kernel source's."""

from __future__ import annotations

import os
import posixpath
import re
import signal
import stat

from capture.environment import allowed
from capture.linux.files import named
from capture.linux.meaning import CATEGORY, flags_of, numbers, outcome
from capture.linux.names import Names
from capture.linux.syscalls import Syscall, syscalls
from capture.strace.described import ends, target
from capture.strace.flows import Flows
from capture.strace.parse import Call, Ended, Signalled, descriptor, strings, unquote
from capture.strace.processes import Process, Processes
from capture.wire import dns, http, smtp, tls
from workbench.event import Value

Fields = dict[str, Value]

_FORKS = ("clone", "clone3", "fork", "vfork")
_ADDRESS = re.compile(r'sin6?_port=htons\((\d+)\).*?"([0-9a-fA-F.:]+)"')
_UNIX = re.compile(r'sun_path=(@?)("(?:[^"\\]|\\.)*")')
_DIGITS = re.compile(r"-?[0-9]+|0x[0-9a-f]+")
_NAME = re.compile(r"[SO]_[A-Z_]+")
_STRUCTURE = re.compile(r"\{flags=([^,}]*)")


class Decoder:
    """Turns calls, ends and signals into events."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._flows = Flows()
        self._names = Names()
        self._early: dict[int, list[Call | Ended | Signalled]] = {}  # told before the fork that made them
        self._begun = False  # what the root does before its exec is the recorder's doing

    def begin(self) -> None:
        """Take the processes as they are: what they do from now on is their own doing."""
        self._begun = True

    def decode(self, told: Call | Ended | Signalled) -> list[Fields]:
        """Give the events, none when there is nothing to tell."""
        process = self._processes.of(told.pid)
        if process is None:
            self._early.setdefault(told.pid, []).append(told)
            return []
        match told:
            case Ended():
                return self._end(told, process)
            case Signalled():
                return self._signal(told, process)
            case Call(name=name) if name in _FORKS:
                return self._fork(told, process)
            case Call(name="chdir" | "fchdir"):
                return self._chdir(told, process)
            case _:
                return self._syscall(told, process)

    def _syscall(self, told: Call, process: Process) -> list[Fields]:
        call = syscalls().get(told.name)
        self._begun = self._begun or (told.name.startswith("execve") and told.ret == 0)
        if call is None or not self._begun:
            return []
        fields = self._processes.fields(process, told.pid, told.time)
        match call.program:
            case "close_call":
                return self._flows.close(process.pid, descriptor(told.arguments[0])[0])
            case "io":
                return self._io(told, call, process, fields)
            case "address":
                return self._address(told, call, fields)
            case "failed_exec" if told.ret == 0:
                return [self._exec(told, process, fields)]
            case _:
                return self._call(told, call, process, fields)

    def settle(self) -> list[Fields]:
        """Give what was gathered and not yet told."""
        return self._flows.settle()

    def _fork(self, told: Call, process: Process) -> list[Fields]:
        if told.ret <= 0:
            return []
        early = self._early.pop(told.ret, [])
        if "CLONE_THREAD" in str(told.arguments):
            self._processes.thread(told.ret, process)
            return [event for each in early for event in self.decode(each)]
        child = self._processes.of(told.ret) or self._processes.begin(
            told.ret, told.time, process, process.executable, process.directory, process.user
        )
        event = self._processes.fields(process, told.pid, told.time)
        event |= {"event.category": "process", "event.action": "fork"}
        event |= {"process.target.pid": child.pid, "process.target.entity_id": child.entity}
        return [event, *(event for each in early for event in self.decode(each))]

    @property
    def unattributed(self) -> int:
        """Count what was told of processes whose beginning was not."""
        return sum(len(each) for each in self._early.values())

    def _chdir(self, told: Call, process: Process) -> list[Fields]:
        if told.ret == 0:
            argument = told.arguments[0]
            to = unquote(argument).decode(errors="replace") or descriptor(argument)[1]
            process.directory = posixpath.normpath(posixpath.join(process.directory, to))
        return []

    def _exec(self, told: Call, process: Process, event: Fields) -> Fields:
        at = 1 if told.name == "execveat" else 0
        path = self._path(told, at, 0 if at else None, process)
        process.executable = os.path.realpath(path)
        args = strings(told.arguments[at + 1])
        event |= self._processes.fields(process, told.pid, told.time)
        event |= {
            "event.category": "process",
            "event.action": "exec",
            "event.outcome": "success",
            "process.args": args,
            "process.args_count": len(args),
            "process.command_line": " ".join(args),
            "process.working_directory": process.directory,
            **named(process.executable),
        }
        if kept := allowed(strings(told.arguments[at + 2])):
            event["process.env_vars"] = kept
        return event

    def _end(self, told: Ended, process: Process) -> list[Fields]:
        if self._processes.end(told.pid) is None:
            return []
        event = self._processes.fields(process, told.pid, told.time)
        event |= {"event.category": "process", "event.action": "exit", "process.exit_code": told.code}
        event["process.exit_signal"] = int(getattr(signal, told.signal, 0)) if told.signal else 0
        return [*self._flows.close(process.pid), event]

    def _signal(self, told: Signalled, process: Process) -> list[Fields]:
        sender = self._processes.sender(told.sender) if told.user else None
        if sender is None:
            return []
        event = self._processes.fields(sender, told.sender, told.time)
        event |= {"event.category": "process", "event.action": "signal"}
        event["process.signal"] = int(getattr(signal, told.name, 0))
        event |= {"process.target.pid": process.pid, "process.target.entity_id": process.entity}
        return [event]

    def _call(self, told: Call, call: Syscall, process: Process, event: Fields) -> list[Fields]:
        action = call.action
        if action == "mmap_write" and not (
            "PROT_WRITE" in told.arguments[2] and "MAP_SHARED" in told.arguments[3] and call.fd is not None
        ):
            return []
        if action == "mmap_write" and descriptor(told.arguments[4])[0] < 0:
            return []
        event |= outcome(told.error) | {"event.category": CATEGORY[action]}
        if told.result:
            event |= target(told.result)
        elif call.fd is not None:
            event |= target(descriptor(told.arguments[call.fd])[1])
        elif call.path is not None:
            path = self._path(told, call.path, call.directory, process)
            if call.path2 is not None:
                event["file.original.path"] = path
                path = self._path(told, call.path2, call.directory2, process)
            event |= named(path)
        if call.type:
            event["file.type"] = call.type
        x, y = _numbers(told, call)
        if action == "open" and flags_of(call, x) & os.O_CREAT and not told.error:
            action = "create"
        return [event | numbers(call, x, y) | {"event.action": action}]

    def _path(self, told: Call, at: int, directory: int | None, process: Process) -> str:
        base = descriptor(told.arguments[directory])[1] if directory is not None else process.directory
        given = unquote(told.arguments[at]).decode(errors="replace")
        return posixpath.normpath(posixpath.join(base or process.directory, given)) if given else ""

    def _io(self, told: Call, call: Syscall, process: Process, event: Fields) -> list[Fields]:
        if told.ret <= 0:
            return []
        events: list[Fields] = []
        for position, outward in ((call.from_, False), (call.to, True)):
            if position is None:
                continue
            fd, stands_for = descriptor(told.arguments[position])
            size = told.ret
            this = {**event, **target(stands_for)}
            if this.get("file.type") == "socket":
                this |= {"event.category": "network", "event.action": "send" if outward else "receive"}
                this |= self._names.resolve(ends(stands_for, outward))
                events += self._spoken(told, call, this, outward)
            else:
                this |= {"event.category": "file", "event.action": "write" if outward else "read"}
            due = self._flows.add(process.pid, fd, (outward, stands_for), this, size)
            events += [due] if due else []
        return events

    def _spoken(self, told: Call, call: Syscall, event: Fields, outward: bool) -> list[Fields]:
        """Tell what the first bytes of a message say: DNS, TLS, HTTP, SMTP."""
        if call.buffer is None:
            return []
        if address := _ADDRESS.search(" ".join(told.arguments[call.buffer + 1 :])):
            event |= {"destination.port": int(address[1]), "destination.ip": address[2]}
        texts = re.findall(r'"(?:[^"\\]|\\.)*"', told.arguments[call.buffer])
        events: list[Fields] = []
        for payload in map(unquote, texts):
            if (message := dns.parse(payload)) and message.answer != outward:
                found: Fields = {"dns.question.name": message.name, "dns.question.type": message.type}
                if message.answer:
                    found["dns.resolved_ip"] = message.addresses
                    self._names.learn(message.name, message.addresses)
                events.append({**event, **found, "event.action": "dns"})
            elif outward and (server := tls.server_name(payload)) is not None:
                names: Fields = {"tls.client.server_name": server} if server else {}
                events.append({**event, **names, "event.action": "tls_client_hello"})
            elif outward and (request := http.request(payload)):
                events.append({**event, **request, "event.action": "http_request"})
            elif outward and (envelope := smtp.envelope(payload)):
                events.append({**event, **envelope, "event.action": "smtp_command"})
        return events

    def _address(self, told: Call, call: Syscall, event: Fields) -> list[Fields]:
        if call.result and told.ret < 0:
            return []
        stands_for = told.result if call.result else descriptor(told.arguments[call.fd or 0])[1]
        event |= outcome(told.error) | {"event.category": CATEGORY[call.action], "event.action": call.action}
        event |= target(stands_for) | ends(stands_for, call.action != "accept")
        given = told.arguments[1] if len(told.arguments) > 1 else ""
        side = {"connect": "destination", "bind": "source", "accept": "source"}[call.action]
        if address := _ADDRESS.search(given):
            event |= {f"{side}.port": int(address[1]), f"{side}.ip": address[2]}
        elif unix := _UNIX.search(given):
            event |= named(unix[1] + unquote(unix[2]).decode(errors="replace"))
        event["network.initiated"] = call.action == "connect"
        return [self._names.resolve(event)]


def _numbers(told: Call, call: Syscall) -> tuple[int, int]:
    """Give the numbers at the places of `x` and `y`, 0 where there is none."""
    x, y = (_number(told.arguments[at]) if at is not None else 0 for at in (call.x, call.y))
    return x, y


def _number(text: str) -> int:
    """Read a number as C writes them, or flags and modes by name, or both; of a structure its flags.

    >>> oct(_number("S_IFIFO|0644")), _number("-1"), _number("{flags=O_WRONLY|O_APPEND, mode=0, resolve=0}")
    ('0o10644', -1, 1025)
    """
    if structure := _STRUCTURE.match(text):
        text = structure[1]
    found = 0
    for word in text.partition("<")[0].strip().split("|"):
        if _DIGITS.fullmatch(word):
            found |= int(word, 8) if word.startswith("0") and word.isdigit() else int(word, 0)
        elif _NAME.fullmatch(word):
            found |= int(getattr(os, word, getattr(stat, word, 0)))
    return found
