"""A cgroup of the agent's own: what holds its whole tree, however it forks, for filters and for the end."""

from __future__ import annotations

import time
import uuid
from contextlib import suppress
from pathlib import Path

from workbench.errors import CaptureError

_PLACES = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")


class Cgroup:
    """Makes one; raises CaptureError when there can be none."""

    def __init__(self) -> None:
        root = next((Path(place) for place in _PLACES if Path(place, "cgroup.controllers").is_file()), None)
        if root is None:
            raise CaptureError("no cgroup v2 hierarchy is mounted", mend="mount one")
        self.path = root / f"workbench-{uuid.uuid4()}"
        try:
            self.path.mkdir()
        except OSError as error:
            raise CaptureError(f"no cgroup can be made: {error.strerror}", mend="run as root") from None

    def can_kill(self) -> bool:
        """Whether all of it can be ended at once (`cgroup.kill`, Linux 5.14)."""
        return (self.path / "cgroup.kill").exists()

    def take(self, pid: int) -> None:
        """Put a process, and so all that it will start, into it."""
        (self.path / "cgroup.procs").write_text(str(pid))

    def kill(self) -> None:
        """End everything in it."""
        with suppress(OSError):
            (self.path / "cgroup.kill").write_text("1")

    def remove(self, within: float = 0.5) -> None:
        """Remove it, when what is in it has ended or does so within so many seconds."""
        until = time.monotonic() + within
        while time.monotonic() < until:
            try:
                self.path.rmdir()
            except FileNotFoundError:
                return
            except OSError:
                time.sleep(0.01)  # its processes are being reaped, or were left to go on
            else:
                return
