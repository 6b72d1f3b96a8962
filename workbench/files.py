"""Files that appear whole or not at all, and are read no larger than they may be."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from workbench.errors import InputError

MAX_BYTES = 64 << 20


def read_bounded(path: Path, limit: int = MAX_BYTES) -> bytes:
    """Read a small file; raises OSError, also when it is larger than `limit` bytes."""
    with path.open("rb") as handle:
        data = handle.read(limit + 1)
    if len(data) > limit:
        raise OSError(f"larger than {limit >> 20} MB")
    return data


def write_aside(path: Path, data: bytes | Iterable[bytes], *, mode: int = 0o644) -> None:
    """Write data, or its parts, beside `path`, flush to disk, rename into place.

    Raises InputError when that cannot be done.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        scratch = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as handle:
                os.fchmod(handle.fileno(), mode)
                handle.writelines([data] if isinstance(data, bytes) else data)
                handle.flush()
                os.fsync(handle.fileno())
            scratch.rename(path)
        except BaseException:
            scratch.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(
            f"cannot be written: {error.strerror}", place=path, mend="check the directory"
        ) from None
