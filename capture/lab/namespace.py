"""The namespaces of one run: network, mounts, processes and host name, gone as soon as the run is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from capture.lab.internet.journal import read_journal
from capture.lab.layout import Layout
from capture.lab.model.script import Script
from workbench.errors import CaptureError

_PREFIX = "workbench-run."

UID = 1000
"""The user the agent runs as, so that it can write nowhere but in what the run laid out."""


class Namespace:
    """Context manager: on entry all services answer, on exit every process and mount of the run is gone.

    Should this process be killed, its pipe closes, process 1 of the run ends, and the kernel ends the rest.
    """

    def __init__(self, layout: Layout, script: Script) -> None:
        self.layout, self.script = layout, script

    def __enter__(self) -> Namespace:
        """Start; raises CaptureError when no namespace can be made, or a server in it does not start."""
        _sweep()
        self._scratch = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}."))
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        self.close()

    def _start(self) -> None:
        script = self._scratch / "script.json"
        script.write_bytes(msgspec.json.encode(self.script))
        layout = self.layout
        certificate = self._scratch / "server.pem"
        certificate.write_text(layout.certificate)
        binds = dict(layout.binds)
        for name, text in layout.etc.items():
            file = self._scratch / "etc" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            file.chmod(0o644)
            binds[str(file)] = f"/etc/{name}"
        plan = msgspec.to_builtins(layout) | {
            "binds": binds,
            "certificate": str(certificate),
            "uid": UID,
            "scratch": str(self._scratch),
            "journal": str(self._scratch / "internet.jsonl"),
            "model_journal": str(self._scratch / "model.jsonl"),
            "script": str(script),
            "addresses": sorted({address for known in layout.zone.values() for address in known}),
        }
        kinds = ["--net", "--mount", "--pid", "--uts", "--ipc"]
        command = ["unshare", *kinds, "--fork", "--kill-child=KILL", "--mount-proc"]
        self._process = subprocess.Popen(
            [*command, sys.executable, "-m", "capture.lab.internet"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        if self._process.stdin is None or self._process.stdout is None or self._process.stderr is None:
            raise CaptureError("the namespace has no pipes")
        self._process.stdin.write(json.dumps(plan) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            said = self._process.stderr.read().strip().splitlines()
            raise CaptureError(
                f"the run's small internet did not start: {said[-1] if said else 'it ended at once'}",
                mend="scenarios need root, or CAP_SYS_ADMIN and CAP_NET_ADMIN; a server a newer node",
            )
        ready = json.loads(answer)
        self._anchor = self._outer_pid(int(ready["anchor"]))

    def _outer_pid(self, inner: int) -> int:
        """Give the process's id as seen from here: children of process 1 of the run are few."""
        pending = [self._process.pid]
        while pending:
            pid = pending.pop()
            status = Path(f"/proc/{pid}/status").read_text()
            line = next(line for line in status.splitlines() if line.startswith("NSpid:"))
            if pid != self._process.pid and int(line.split()[-1]) == inner:
                return pid
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
            pending += [int(child) for child in children.split()]
        raise CaptureError("the namespace's process is gone", mend="try again")

    def command(self, arguments: Sequence[str], directory: str, uid: int = UID) -> list[str]:
        """Give the command that runs `arguments` inside, as the run's user."""
        spaces = ["--net", "--mount", "--pid", "--uts", "--ipc"]
        user = [f"--setuid={uid}", f"--setgid={uid}"]
        return [
            "nsenter",
            f"--target={self._anchor}",
            *spaces,
            *user,
            f"--wdns={directory}",
            "--",
            *arguments,
        ]

    def run(self, arguments: Sequence[str], directory: str, env: dict[str, str], uid: int = UID) -> str:
        """Run a command inside and give its output; raises CaptureError when it fails."""
        done = subprocess.run(
            self.command(arguments, directory, uid),
            env=env,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode:
            raise CaptureError(
                f"preparing the run failed: {' '.join(arguments)[:80]}: {done.stderr.strip()[-300:]}"
            )
        return done.stdout

    def path(self, inside: str) -> Path:
        """Give the path, from outside, of a file inside."""
        return Path(f"/proc/{self._anchor}/root{inside}")

    def model_journal(self) -> list[dict[str, Any]]:
        """What the model said and heard."""
        return read_journal(self._scratch / "model.jsonl")

    def internet_journal(self) -> list[dict[str, Any]]:
        """What the small internet's services saw."""
        return read_journal(self._scratch / "internet.jsonl")

    def close(self) -> None:
        """End every process of the run and remove its scratch directory."""
        process = getattr(self, "_process", None)
        if process is not None:
            for pipe in (process.stdin, process.stdout, process.stderr):
                pipe.close()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self._scratch, ignore_errors=True)


def _sweep() -> None:
    """Remove the scratch directories of runs that were killed: they are named by their process."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        pid = left.name.removeprefix(_PREFIX).partition(".")[0]
        if left.lstat().st_uid == os.geteuid() and not Path(f"/proc/{pid}").exists():
            shutil.rmtree(left, ignore_errors=True)


def why_not() -> str | None:
    """Why no scenario can run here, or None."""
    if os.geteuid() != 0:
        return "scenarios need root for their namespaces"
    missing = [program for program in ("unshare", "nsenter", "ip", "mount") if shutil.which(program) is None]
    return f"{', '.join(missing)} is not installed" if missing else None
