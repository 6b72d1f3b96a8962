"""A command started stopped: nothing of it runs until the tracing of its process has begun."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from capture.snapshot import descendants
from workbench.errors import CaptureError
from workbench.procfs import children, start

Output = int | IO[bytes] | None

_NOT_FOUND, _NOT_EXECUTABLE = 127, 126
_LEAST_TO_DIE = 2.0  # seconds: what is killed still has to leave the kernel
_SET_SUBREAPER, _GET_SUBREAPER = 36, 37  # linux/prctl.h
_prctl = ctypes.CDLL(None).prctl


class Child:
    """A process that waits, before its exec, for `release`.

    `stdout` and `stderr` are each a descriptor, a file or subprocess.DEVNULL; the recorder's own when not
    given. `prepare` runs in the new process just before its exec, as what confines it must.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdout: Output = None,
        stderr: Output = None,
        prepare: Callable[[], None] | None = None,
    ) -> None:
        self.returncode: int | None = None
        self._others: set[int] = set()
        self._released = False
        self._command, self._why = command, ""
        gate, self._gate = os.pipe()
        self._fault, fault = os.pipe()  # an exec closes it: what is read from it says why there was none
        os.set_blocking(self._fault, False)
        self.pid = os.fork()
        if self.pid == 0:
            outputs = {1: stdout, 2: stderr}
            os.close(self._gate)
            _become(gate, fault, list(command), cwd=cwd, env=env, outputs=outputs, prepare=prepare)
        os.close(gate)
        os.close(fault)

    def release(self) -> None:
        """Let the command run."""
        self._others = children(os.getpid()) - {self.pid}
        self._released = True
        os.write(self._gate, b"\n")
        os.close(self._gate)

    def poll(self) -> int | None:
        """Give the exit code once it has ended, negative for the signal that ended it."""
        if self.returncode is None:
            if self._adopts():
                self._reap()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
                with os.fdopen(self._fault, "rb") as fault:
                    self._why = (fault.read() or b"").decode()
        return self.returncode

    def ended(self) -> int:
        """Give the exit code of one that has ended; raises CaptureError when the command never ran."""
        if self._why:
            raise CaptureError(self._why, place=self._command[0], mend="name a program that can be run")
        return self.returncode if self.returncode is not None else -1

    def end(self, grace: float = 2.0) -> None:
        """Ask it and all that descends from it to end, and see to it after `grace` seconds, at once for 0.

        Parents come first: a shell whose command has ended goes on with the next.
        """
        asked = ((signal.SIGTERM, grace),) if grace else ()
        for number, patience in (*asked, (signal.SIGKILL, max(grace, _LEAST_TO_DIE))):
            deadline = time.monotonic() + patience
            told: set[tuple[int, int]] = set()
            while left := self._left():
                for process in left:
                    if process not in told:
                        _signal(*process, number)
                told.update(left)
                if time.monotonic() >= deadline:
                    break
                time.sleep(0.01)

    def _adopts(self) -> bool:
        return self._released and _subreaper()

    def _reap(self) -> None:
        """Let orphans that have ended go, as init would."""
        while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if ended.si_pid == self.pid or ended.si_pid in self._others:
                return
            os.waitpid(ended.si_pid, os.WNOHANG)

    def _left(self) -> list[tuple[int, int]]:
        """Give what runs of it and its descendants, each by its id and start, parents first.

        Orphans of its tree are ours by `adopting`; what was ours before the release is none of them.
        """
        gone = self.poll() is not None
        roots = {self.pid} if not gone else set()
        roots |= children(os.getpid()) - self._others if self._adopts() else set()
        found = dict.fromkeys(each for root in roots - {os.getpid()} for each in descendants(root))
        return [(pid, begun) for pid in found if (begun := start(pid)) is not None]


@contextmanager
def adopting() -> Iterator[None]:
    """Let orphans among our descendants become our children rather than init's."""
    before = _subreaper()
    _prctl(_SET_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        _prctl(_SET_SUBREAPER, int(before), 0, 0, 0)


def _subreaper() -> bool:
    answer = ctypes.c_int()
    _prctl(_GET_SUBREAPER, ctypes.byref(answer), 0, 0, 0)
    return bool(answer.value)


def _signal(pid: int, begun: int, number: int) -> None:
    """Signal the process that began at that tick, never another that has its id by now."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        process = os.pidfd_open(pid)
        try:
            if start(pid) == begun:
                signal.pidfd_send_signal(process, number)
        finally:
            os.close(process)


def _become(
    gate: int,
    fault: int,
    command: list[str],
    *,
    cwd: Path | None,
    env: Mapping[str, str] | None,
    outputs: Mapping[int, Output],
    prepare: Callable[[], None] | None,
) -> None:
    """Run in the new process and never return."""
    code = _NOT_FOUND
    try:
        if os.read(gate, 1) != b"\n":
            os._exit(code)
        os.close(gate)
        if cwd is not None:
            os.chdir(cwd)
        for descriptor, output in outputs.items():
            if output == subprocess.DEVNULL:
                os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
            elif output is not None:
                os.dup2(output if isinstance(output, int) else output.fileno(), descriptor)
        # Python ignores SIGPIPE; what it starts must not inherit that.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        variables = dict(os.environ if env is None else env)
        if prepare is not None:
            prepare()
        # Found here rather than by trying, which would be recorded as failed execs.
        file = shutil.which(command[0], path=variables.get("PATH", os.defpath))
        os.execve(file or command[0], command, variables)  # noqa: S606 - no shell is the point
    except PermissionError as error:
        code = _NOT_EXECUTABLE
        os.write(fault, str(error.strerror).encode())
    except OSError as error:
        os.write(fault, str(error.strerror).encode())
    finally:
        os._exit(code)
