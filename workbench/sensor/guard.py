"""The guard: a small process that notices when the sensor is gone without having said that it was done.

It waits on a pipe, which closes with the sensor however that ends. Then it ends the agent where that was
asked for (fail-closed), writes what happened into the audit log, signed, and tells the sinks. It is started
before any kernel program is loaded, so that none of them outlives the sensor through it.
"""

from __future__ import annotations

import os
import platform
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from workbench.errors import CaptureError, InputError
from workbench.scorer.verdict import Verdict
from workbench.sensor.alert import Alert
from workbench.sensor.audit import AuditLog
from workbench.sensor.cgroup import Cgroup
from workbench.sensor.sinks import open_sink
from workbench.sensor.tampering import tampering

_DONE = b"\n"
_GOING_S = 10.0
"""How long a process that was ended may still hold its log's lock or its cgroup, at most."""


class Guard:
    """Watches this process, with which `cgroup` is to end, where one is given; `sinks` are URLs.

    Raises CaptureError when the kernel cannot end a cgroup.
    """

    def __init__(
        self, log: Path, key: Ed25519PrivateKey, sinks: Sequence[str] = (), cgroup: Cgroup | None = None
    ) -> None:
        if cgroup is not None and not cgroup.can_kill():
            cgroup.remove()
            raise CaptureError("this kernel has no cgroup.kill", mend="use --on-failure open")
        gate, self._gate = os.pipe()
        sensor = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                _wait(gate, self._gate)
                _tell(sensor, log, key, sinks, cgroup)
            finally:
                os._exit(0)
        os.close(gate)

    def alive(self) -> bool:
        """Whether it still waits; once it is gone it cannot be asked again."""
        with suppress(ChildProcessError):
            return os.waitpid(self.pid, os.WNOHANG) == (0, 0)
        return False

    def end(self) -> None:
        """Say that the sensor is done."""
        with suppress(OSError):
            os.write(self._gate, _DONE)
        os.close(self._gate)
        with suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


def _wait(gate: int, other_end: int) -> None:
    """Wait for the sensor's end, holding nothing else of it; does not return when it said it was done."""
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.close(other_end)
    os.closerange(3, gate)
    os.closerange(gate + 1, os.sysconf("SC_OPEN_MAX") if os.sysconf("SC_OPEN_MAX") < 1 << 16 else 1 << 16)
    if os.read(gate, 1) == _DONE:
        os._exit(0)


def _tell(
    sensor: int, log: Path, key: Ed25519PrivateKey, sinks: Sequence[str], cgroup: Cgroup | None
) -> None:
    if cgroup is not None:
        cgroup.kill()
    then = "the agent was ended" if cgroup else "the agent goes on, unwatched"
    with suppress(OSError, InputError):
        audit = _open(log, key)
        audit.append("sensor_died", {"pid": sensor, "then": then})
        audit.close()
    finding = tampering(f"the sensor was ended from outside; {then}", at=time.time_ns())
    alert = Alert(finding=finding, verdict=Verdict(score=95, decision="alert"), host=platform.node())
    for url in sinks:  # opened anew: what the sensor had open was closed
        with suppress(Exception):  # nobody is left to tell of it, and the next sink may take it
            open_sink(url).send([alert])
    if cgroup is not None:
        cgroup.remove(_GOING_S)


def _open(log: Path, key: Ed25519PrivateKey) -> AuditLog:
    """Open the log as soon as the kernel has taken its lock from the process that ended."""
    until = time.monotonic() + _GOING_S
    while True:
        try:
            return AuditLog(log, key)
        except InputError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)
