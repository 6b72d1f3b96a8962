"""The strace source: complete but slow, and the traced command can notice it."""

from __future__ import annotations

import contextlib
import os
import platform
import select
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from capture import snapshot
from capture.clock import Clock
from capture.linux.syscalls import syscalls
from capture.strace.decode import Decoder
from capture.strace.parse import Reader
from capture.strace.processes import Process, Processes
from workbench import procfs
from workbench.dataset.session import Loss
from workbench.errors import CaptureError
from workbench.event import Value

_EXTRA = ("clone", "clone3", "?fork", "?vfork", "chdir", "fchdir")
_OPTIONS = ["-f", "-ttt", "-yy", "-s", "4096", "-q", "-e", "abbrev=!execve,execveat", "-e", "signal=all"]
_READ = 1 << 20
_QUIET = 0.02  # seconds between looks at a strace that is ending
_ATTEMPTS = 5


class StraceSource:
    """Traces a process tree with strace, which must be installed and allowed to attach."""

    name = "strace"
    redacts = False
    cannot_see = (
        "file and network operations through io_uring",
        "whether an open that may create a file did (told as create)",
        "the inode of a file that is gone by the time it is told",
        "writes through a mapping, but for the mapping itself",
        "plaintext inside TLS",
        "bytes of sendmmsg and recvmmsg, counted as messages",
    )

    def __init__(self) -> None:
        self.check()
        self._clock = clock = Clock.now()
        host: dict[str, Value] = {
            "event.provider": self.name,
            "host.id": clock.boot,
            "host.name": platform.node(),
            "host.os.type": "linux",
        }
        self._processes = Processes(clock.boot, clock.boottime, host)
        self._decoder = Decoder(self._processes)
        self._reader = Reader()
        self._pending = b""
        self._output = -1
        self._strace: subprocess.Popen[bytes] | None = None
        self.sent = self.lost = 0

    @staticmethod
    def check() -> None:
        """Raise CaptureError when strace cannot run here, found by letting it trace `true`."""
        strace = shutil.which("strace")
        if strace is None:
            raise CaptureError("strace is not installed", mend="apt-get install strace")
        trial = subprocess.run(
            [strace, "-o", "/dev/null", "-e", "trace=none", "true"], check=False, capture_output=True
        )
        if trial.returncode:
            told = trial.stderr.decode(errors="replace").strip().splitlines()[-1:]
            raise CaptureError(
                f"strace cannot trace: {' '.join(told)}",
                mend="allow ptrace (CAP_SYS_PTRACE, yama ptrace_scope)",
            )

    def rehearse(self) -> list[dict[str, Value]]:
        """Give nothing: strace itself is what takes long."""
        return []

    def start(self, root: int) -> None:
        """Attach to process `root`, which is stopped; returns once strace has it."""
        self._trace([root])
        self._know(root, None)

    def attach(self, pid: int) -> list[dict[str, Value]]:
        """Trace a process that runs, and its descendants; gives what they are and hold.

        strace begins with a list of processes, so it begins again while one was born between list and
        attachment. The recorder itself is left out: strace would wait for who waits for it.
        Raises CaptureError when strace is not let.
        """
        tree: list[int] = []
        for _ in range(_ATTEMPTS):
            tree = self._others(pid)
            self._trace(tree)
            if not (missed := [each for each in self._others(pid) if _tracer(each) != self._pid]):
                break
            self._end()
        else:
            raise CaptureError(
                f"strace cannot keep up with the processes that {pid} starts: {len(missed)} were missed",
                mend="record it with --source bcc, or start it with `workbench record -- CMD`",
            )
        self._decoder.begin()
        events: list[dict[str, Value]] = []
        for each in tree:
            parent = self._processes.of(procfs.parent(each)) if each != pid else None
            self._know(each, parent)
            events += snapshot.describe(each, self._clock.boot)
        return self._numbered(events)

    def _trace(self, pids: list[int]) -> None:
        with tempfile.TemporaryDirectory(prefix="strace-") as directory:
            fifo = Path(directory) / "out"
            os.mkfifo(fifo, 0o600)
            self._output = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
            names = ",".join([*(f"?{name}" for name in syscalls()), *_EXTRA])
            command = ["strace", *_OPTIONS, "-e", f"trace={names}", "-o", str(fifo)]
            command += [f"--attach={','.join(map(str, pids))}"]
            self._strace = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
            )
            for pid in pids:
                _wait_until_traced(pid, self._strace)

    def _others(self, pid: int) -> list[int]:
        mine = (os.getpid(), self._pid)
        return [each for each in snapshot.descendants(pid) if each not in mine]

    @property
    def _pid(self) -> int:
        return self._strace.pid if self._strace is not None else 0

    def _know(self, pid: int, parent: Process | None) -> None:
        """Note a process that was there before the tracing, with its threads."""
        place = Path(f"/proc/{pid}")
        with contextlib.suppress(OSError):
            user, directory = str(place.stat().st_uid), str((place / "cwd").readlink())
            program = str((place / "exe").readlink())
            process = self._processes.begin(pid, time.time_ns(), parent, program, directory, user)
            for task in (place / "task").iterdir():
                self._processes.thread(int(task.name), process)

    def traces(self, pid: int) -> bool:
        """Whether strace has the process."""
        return _tracer(pid) == self._pid

    def poll(self, timeout: float) -> list[dict[str, Value]]:
        """Give the events since the last call."""
        readable, _, _ = select.select([self._output], [], [], timeout)
        if not readable:
            return []
        if chunk := self._read():
            return self._decoded(chunk)
        time.sleep(timeout)
        return []

    def _read(self) -> bytes:
        """Give what is in the pipe; nothing when it is empty, or strace has ended."""
        try:
            return os.read(self._output, _READ)
        except BlockingIOError:
            return b""

    def _decoded(self, chunk: bytes) -> list[dict[str, Value]]:
        *lines, self._pending = (self._pending + chunk).split(b"\n")
        events: list[dict[str, Value]] = []
        for line in lines:
            try:
                told = self._reader.read(line.decode(errors="replace"))
                events += self._decoder.decode(told) if told else []
            except (IndexError, ValueError):  # half a line, or one that another strace would write
                self._reader.unread += 1
        return self._numbered(events)

    def settle(self) -> list[dict[str, Value]]:
        """End the tracing; give what strace had written, and what was gathered and not yet told."""
        events: list[dict[str, Value]] = []
        if self._strace is not None:
            self._strace.terminate()
            while self._strace.poll() is None:  # it may wait for us to make room in the pipe
                events += self.poll(_QUIET)
        while chunk := self._read():
            events += self._decoded(chunk)
        return events + self._numbered(self._decoder.settle())

    def _numbered(self, events: list[dict[str, Value]]) -> list[dict[str, Value]]:
        for event in events:
            self.sent += 1
            event["event.sequence"] = self.sent
            event["event.id"] = f"x{self.sent}"  # s, t and h begin others
        return events

    def stop(self) -> Loss:
        """End strace; the traced processes go on."""
        self._end()
        detail = {"unread_lines": self._reader.unread} if self._reader.unread else {}
        return Loss(detail=detail, unattributed=self._decoder.unattributed)

    def _end(self) -> None:
        if self._strace is not None and self._strace.poll() is None:
            self._strace.send_signal(signal.SIGTERM)
            self._strace.wait()
        if self._output >= 0:
            os.close(self._output)
            self._output = -1


def _tracer(pid: int) -> int | None:
    """Who traces a process, 0 when nobody does; None when it is gone, or dead and not yet waited for."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(errors="replace")
    except OSError:
        return None
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    return None if fields["State"].startswith(("Z", "X")) else int(fields["TracerPid"])


def _wait_until_traced(pid: int, strace: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if strace.poll() is not None:
            raise CaptureError(
                f"strace could not attach to process {pid}", mend="run it as the same user, or root"
            )
        if _tracer(pid) in (strace.pid, None):
            return
        time.sleep(0.005)
    raise CaptureError(f"strace did not attach to process {pid}", mend="check `workbench doctor`")
