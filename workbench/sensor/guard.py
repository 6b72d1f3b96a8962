"""Fail-closed: a guard that ends the whole agent when the sensor dies before it said that it was done.

The agent runs in a cgroup of its own; the guard is a small process that waits on a pipe, which closes with
the sensor however it ends, and then ends everything in the cgroup (`cgroup.kill`, Linux 5.14).
"""

from __future__ import annotations

import os
import signal
import time
import uuid
from contextlib import suppress
from pathlib import Path

from workbench.errors import CaptureError

_DONE = b"\n"


class Guard:
    """Holds one agent's cgroup; raises CaptureError when there can be none."""

    def __init__(self) -> None:
        root = next(
            (Path(place) for place in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified") if _unified(Path(place))),
            None,
        )
        if root is None:
            raise CaptureError("no cgroup v2 hierarchy is mounted", mend="use --on-failure open")
        self.cgroup = root / f"workbench-{uuid.uuid4()}"
        try:
            self.cgroup.mkdir()
        except OSError as error:
            raise CaptureError(
                f"no cgroup can be made: {error.strerror}", mend="run as root, or use --on-failure open"
            ) from None
        if not (self.cgroup / "cgroup.kill").exists():
            self.cgroup.rmdir()
            raise CaptureError("this kernel has no cgroup.kill", mend="use --on-failure open")
        gate, self._gate = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            _wait(gate, self._gate, self.cgroup)
        os.close(gate)

    def take(self, pid: int) -> None:
        """Put a process, and so all that it will start, into the cgroup."""
        (self.cgroup / "cgroup.procs").write_text(str(pid))

    def end(self, *, kill: bool) -> None:
        """Say that the sensor is done; `kill` ends what is left."""
        if kill:
            _kill(self.cgroup)
        os.write(self._gate, _DONE)
        os.close(self._gate)
        os.waitpid(self._pid, 0)
        _remove(self.cgroup)


def _unified(place: Path) -> bool:
    return (place / "cgroup.controllers").is_file()


def _kill(cgroup: Path) -> None:
    with suppress(OSError):
        (cgroup / "cgroup.kill").write_text("1")


def _remove(cgroup: Path) -> None:
    for _ in range(50):
        try:
            cgroup.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.01)  # its processes are being reaped, or were left to go on
        else:
            return


def _wait(gate: int, other_end: int, cgroup: Path) -> None:
    """Run in the guard's process and never return."""
    try:
        os.close(other_end)
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if os.read(gate, 1) != _DONE:
            _kill(cgroup)
            _remove(cgroup)
    finally:
        os._exit(0)
