"""A command started stopped: nothing of it runs until the tracing of its process has begun."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

Output = int | IO[bytes] | None

_NOT_FOUND, _NOT_EXECUTABLE = 127, 126


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
        gate, self._gate = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            outputs = {1: stdout, 2: stderr}
            _become(gate, self._gate, list(command), cwd=cwd, env=env, outputs=outputs, prepare=prepare)
        os.close(gate)

    def release(self) -> None:
        """Let the command run."""
        os.write(self._gate, b"\n")
        os.close(self._gate)

    def poll(self) -> int | None:
        """Give the exit code once it has ended, negative for the signal that ended it."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def end(self, grace: float = 2.0) -> None:
        """Ask it to end, and see to it after `grace` seconds."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.poll() is not None:
                return  # its id may by now be another's
            deadline = time.monotonic() + grace
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)
            while self.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)


def _become(
    gate: int,
    other_end: int,
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
        os.close(other_end)
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
        os.write(2, f"workbench: {command[0]}: {error.strerror}\n".encode())
    except OSError as error:
        os.write(2, f"workbench: {command[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(code)
