"""Events on their way to a recording, appended so that what was written survives a crash of the recorder.

A frame is its payload's length and CRC-32 (both 32 bits, little-endian), then the payload in MessagePack. The
first frame is the session as known at the start, each later one a list of events. A torn last frame is left
out.
"""

from __future__ import annotations

import contextlib
import os
import struct
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import msgspec

from workbench.dataset.session import Session
from workbench.errors import RecordingError
from workbench.event import Value

_FRAME = struct.Struct("<II")
_LARGEST = 1 << 30
_PREFIX = "recording-"


def new_place() -> Path:
    """Make a directory for a spool, named by its recorder's process; gives the spool's path."""
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}.")) / "events.spool"


def remove(path: Path) -> None:
    """Remove a spool, and the directory that `new_place` made for it."""
    path.unlink(missing_ok=True)
    if path.parent.name.startswith(_PREFIX):
        with contextlib.suppress(OSError):
            path.parent.rmdir()


def sweep() -> None:
    """Remove spools in places that `new_place` made for recorders that are dead."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*.*"):
        pid = left.name.removeprefix(_PREFIX).partition(".")[0]
        if not pid.isdecimal() or Path(f"/proc/{pid}").exists():
            continue
        if left.lstat().st_uid == os.geteuid() and not left.is_symlink():
            remove(left / "events.spool")


class Spool:
    """Appends events to a file that only its owner may read; raises OSError when the disk takes no more."""

    def __init__(self, path: Path, session: Session) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._encode = msgspec.msgpack.Encoder().encode
        self._syncing: Thread | None = None
        self._write(self._encode(session))

    def append(self, events: list[dict[str, Value]]) -> None:
        """Append a batch; on an error the file is cut back to where it was."""
        self._write(self._encode(events))

    def _write(self, payload: bytes) -> None:
        before = os.lseek(self._fd, 0, os.SEEK_END)
        frame = memoryview(_FRAME.pack(len(payload), zlib.crc32(payload)) + payload)
        try:
            while frame:
                frame = frame[os.write(self._fd, frame) :]
        except OSError:
            os.ftruncate(self._fd, before)
            raise

    def sync(self) -> None:
        """Begin to bring what was appended to the disk, beside the caller, who has no time to wait for it."""
        if self._syncing is None or not self._syncing.is_alive():
            self._syncing = Thread(target=self._sync, daemon=True)
            self._syncing.start()

    def _sync(self) -> None:
        with contextlib.suppress(OSError):  # what appends finds out when the disk is full
            os.fsync(self._fd)

    def close(self) -> None:
        """Close the file, which stays, with all that was appended on the disk."""
        if self._syncing is not None:
            self._syncing.join()
        self._sync()
        os.close(self._fd)


def read_session(path: Path) -> Session:
    """Read how the recording began; raises RecordingError when the file is not a spool."""
    for payload in _frames(path):
        try:
            return msgspec.msgpack.decode(payload, type=Session)
        except msgspec.MsgspecError:
            break
    raise RecordingError(
        "not a spool", place=path, mend="give the .spool file that an interrupted recording left"
    )


def read_events(path: Path) -> Iterator[dict[str, Value]]:
    """Give the events of all whole frames."""
    decode = msgspec.msgpack.Decoder(list[dict[str, Value]]).decode
    frames = _frames(path)
    next(frames, None)
    for payload in frames:
        yield from decode(payload)


def _frames(path: Path) -> Iterator[bytes]:
    try:
        opened = path.open("rb")
    except OSError as error:
        raise RecordingError(f"cannot be read: {error.strerror}", place=path, mend="check the path") from None
    with opened as file:
        while len(head := file.read(_FRAME.size)) == _FRAME.size:
            size, checksum = _FRAME.unpack(head)
            if size > _LARGEST:
                return
            payload = file.read(size)
            if len(payload) < size or zlib.crc32(payload) != checksum:
                return
            yield payload
