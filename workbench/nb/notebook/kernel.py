"""A kernel for one notebook, or for many that run one after the other and share its start and its imports."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_client.manager import KernelManager

_READY_S = 300
# The module's own `__spec__` goes too, which processes that are spawned later ask for.
_EMPTY = "get_ipython().reset(); __import__('sys').modules['__main__'].__spec__ = None"


class _Kernel(KernelManager):
    """Keeps one client at a time, so that none is left open by the notebook before."""

    _last: Any = None

    def client(self, **options: Any) -> Any:
        self.close()
        self._last = super().client(**options)
        return self._last

    def close(self) -> None:
        if self._last is not None:
            self._last.stop_channels()
            self._last = None


@contextmanager
def open_kernel(directory: Path) -> Iterator[KernelManager]:
    """Start a kernel in `directory`, reachable by sockets of the file system alone; ends it at the end."""
    with tempfile.TemporaryDirectory(prefix="kernel-") as place:
        kernel = _Kernel(
            kernel_name="python3", transport="ipc", connection_file=str(Path(place) / "kernel.json")
        )
        kernel.start_kernel(cwd=str(directory))
        try:
            yield kernel
        finally:
            kernel.close()
            kernel.shutdown_kernel(now=True)


def empty(kernel: KernelManager) -> None:
    """Forget every name that a notebook before has made, and count cells from one."""
    client = kernel.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=_READY_S)
        client.execute_interactive(_EMPTY, silent=True, timeout=_READY_S)
    finally:
        client.stop_channels()
