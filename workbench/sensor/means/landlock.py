"""Landlock: secret paths denied by the kernel before the agent's first instruction, without any privilege.

Landlock can only be told what to allow. Everything is allowed but the secrets that exist at the start: each
entry beside the way to them. So a file that is made later directly in a directory on that way (the home
directory itself, say) cannot be read either, which is why this is the second choice after fanotify. It holds
for good, for all that descends, and outlives the sensor.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from workbench.errors import CaptureError

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_PATH_BENEATH, _READ_FILE = 1, 1 << 2
_NO_NEW_PRIVS = 38
_MOST = 20_000
_LIBC = ctypes.CDLL(None, use_errno=True)


class Landlock:
    """Allows reading every file but `secrets`; raises CaptureError when the kernel does not know Landlock."""

    def __init__(self, secrets: Iterable[Path]) -> None:
        attributes = struct.pack("=Q", _READ_FILE)
        self._handle: int = _LIBC.syscall(_CREATE, attributes, len(attributes), 0)
        if self._handle < 0:
            raise CaptureError(
                f"Landlock: {os.strerror(ctypes.get_errno())}", mend="boot with lsm=landlock,…"
            )
        self.secrets = {path.resolve() for path in secrets}
        self.allowed = 0
        for place in _beside(self.secrets):
            self._allow(place)

    def _allow(self, place: Path) -> None:
        if self.allowed >= _MOST:
            raise CaptureError("Landlock: too many files lie beside the secrets", mend="move the secrets")
        with suppress(OSError):
            handle = os.open(place, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
            rule = struct.pack("=Qi", _READ_FILE, handle)
            self.allowed += _LIBC.syscall(_ADD, self._handle, _PATH_BENEATH, rule, 0) == 0
            os.close(handle)

    def confine(self) -> None:
        """Confine this process and all that will descend from it; to be called between fork and exec."""
        _LIBC.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
        if _LIBC.syscall(_RESTRICT, self._handle, 0) != 0:
            raise OSError(ctypes.get_errno(), "landlock_restrict_self")

    def close(self) -> None:
        """Close the handle; what is confined stays so."""
        os.close(self._handle)


def _beside(secrets: set[Path]) -> Iterable[Path]:
    """Give every entry beside the ways from the root to the secrets."""
    ways = {parent for secret in secrets for parent in secret.parents}
    for way in ways:
        with suppress(OSError), os.scandir(way) as entries:
            for entry in entries:
                path = Path(entry.path)
                if path not in ways and path not in secrets and not entry.is_symlink():
                    yield path
