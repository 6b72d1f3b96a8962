"""The audit log: append-only JSON lines, chained by hash, with signed checkpoints.

A line is a record's JSON with the chain value put in last:

    {"sequence":7,"time":"…Z","kind":"finding","session":"…","body":{…},"chain":"<64 hex>"}

    chain(n) = SHA-256( chain(n-1) ‖ SHA-256(the line without `,"chain":"…"`) ), chain(0) = 32 zero bytes

so a record can be left out of a copy and stand there as its digest alone, and the rest still verifies. A
record of kind `checkpoint` holds an Ed25519 signature over `CHECKPOINT`, its sequence (8 bytes, big endian)
and the chain value before it. The newest one also lies beside the log, in LOG.head, which shows a cut end.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from workbench.errors import InputError
from workbench.event import format_timestamp
from workbench.files import write_aside
from workbench.scorer.envelope import key_id
from workbench.sensor.fitting import fitting, fitting_name

CHECKPOINT = b"agent-detection-workbench audit checkpoint 1\n"
START = bytes(32)
TAIL = len(b',"chain":""}') + 64
_EVERY = 64
_SIGNED_WITHIN = 5.0
_MOST_WAITING = 4_096
_END = 8 << 20  # of a log is read to go on from; it holds a whole record and a piece of another
_FIRST = b'{"sequence":1,"time":"'
_ASIDE = ("checkpoint", "recovered", "retention")

_Told = TypeVar("_Told")
_Sequence = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]


class Record(msgspec.Struct):
    """A record as it is read; its body is decoded by who needs it."""

    sequence: _Sequence
    kind: str
    time: str = ""
    body: msgspec.Raw = msgspec.Raw(b"null")


class Checkpoint(msgspec.Struct):
    """The body of a checkpoint: who signed, the signature, and the chain value that it covers."""

    key: str
    signature: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{128}\Z")]
    signs: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]


class Head(Checkpoint):
    """The newest checkpoint, as it lies beside the log."""

    sequence: _Sequence


def link(previous: bytes, digest: bytes) -> bytes:
    """Give the chain value of a record by the one before it and its own digest."""
    return sha256(previous + digest).digest()


def chained(content: bytes, chain: bytes) -> bytes:
    """Give the line of a record's JSON.

    >>> chained(b'{"sequence":1}', bytes(32))[:30]
    b'{"sequence":1,"chain":"0000000'
    """
    return content[:-1] + b',"chain":"' + chain.hex().encode() + b'"}'


def content_of(line: bytes) -> tuple[bytes, bytes]:
    """Give a line's record and chain value; raises ValueError when it is no line of a log."""
    if line[-TAIL:-66] != b',"chain":"' or line[-2:] != b'"}':
        raise ValueError("not a chained record")
    chain = bytes.fromhex(line[-66:-2].decode("ascii"))
    if chained(b"}", chain) != line[-TAIL:]:
        raise ValueError("its chain value is not written in small letters")
    return line[:-TAIL] + b"}", chain


def read_json(content: bytes | msgspec.Raw, kind: type[_Told]) -> _Told:
    """Decode what a log or its head holds; raises ValueError when it is not that."""
    try:
        return msgspec.json.decode(content, type=kind)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def signed_part(sequence: int, chain: bytes) -> bytes:
    """Give the bytes that a checkpoint signs."""
    return CHECKPOINT + sequence.to_bytes(8, "big") + chain


def head_of(log: Path) -> Path:
    """Give the file that keeps the newest checkpoint."""
    return log.with_name(log.name + ".head")


def key_of_head(log: Path) -> str:
    """Give the id of the key that signed last, "" when nothing is signed yet."""
    try:
        return read_json(head_of(log).read_bytes(), Head).key
    except (OSError, ValueError):
        return ""


def last_findings(log: Path, most: int = 64) -> list[dict[str, Any]]:
    """Give the bodies of the last findings that a log's last sensor wrote, oldest first, `most` of them."""
    found: list[dict[str, Any]] = []
    for line in _newest_lines(log):
        try:
            record = read_json(content_of(line)[0], Record)
            body = read_json(record.body, dict[str, Any])
        except ValueError:
            continue
        if record.kind == "sensor_start" or len(found) == most:
            break
        if record.kind == "finding":
            found.append(body)
    return found[::-1]


def _newest_lines(log: Path) -> list[bytes]:
    """Give the lines at a log's end, newest first; the last of them may have lost its beginning."""
    with log.open("rb") as lines:
        lines.seek(max(0, log.stat().st_size - _END))
        return [line for line in reversed(lines.read().split(b"\n")) if line]


class AuditLog:
    """Appends records; a checkpoint follows every `every` of them, at each start and at the end.

    When the disk is full, records wait in memory, up to a bound; what is lost then is counted and told by the
    first record that can be written again. A record says itself what of it could not be written.
    """

    def __init__(self, path: Path, key: Ed25519PrivateKey, *, every: int = _EVERY) -> None:
        """Open or create; raises InputError when the file cannot be written, or gone on with."""
        self.path, self._key, self._every = path, key, every
        self._waiting: deque[tuple[str, str, msgspec.Raw]] = deque()
        self._unsigned = self.lost = 0
        self._signed = time.monotonic()
        self._head: Head | None = None
        self._flusher = ThreadPoolExecutor(1, "audit-flush")
        self._handle, self._good = self._open()
        try:
            self.before = last = _resume(path)
        except InputError:
            os.close(self._handle)
            raise
        self.sequence, self._chain = last.sequence, last.chain
        if self._good and os.pread(self._handle, 1, self._good - 1) != b"\n":
            self._good += os.write(self._handle, b"\n")
        if last.torn:
            # A writer that died in the middle of a line: the piece stays, and a record says what it was.
            self.append(
                "recovered", {"torn_sha256": sha256(last.torn).hexdigest(), "torn_bytes": len(last.torn)}
            )

    def _open(self) -> tuple[int, int]:
        """Open the file for this writer alone; gives its handle and size."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise InputError(
                "another sensor writes to it", place=self.path, mend="choose another --audit"
            ) from None
        except OSError as error:
            raise InputError(
                f"cannot be written: {error.strerror}", place=self.path, mend="choose another --audit"
            ) from None
        return handle, os.fstat(handle).st_size

    def reopen(self) -> None:
        """Go on in the file that was put in this one's place with the same end."""
        old = self._handle
        self._handle, self._good = self._open()
        os.close(old)

    @property
    def key(self) -> str:
        """The id of the key that signs."""
        return key_id(self._key.public_key())

    @property
    def chain(self) -> bytes:
        """The chain value of the last record."""
        return self._chain

    def append(self, kind: str, body: dict[str, Any], session: str = "") -> bool:
        """Write a record; tells whether it reached the file."""
        self._waiting.append((kind, fitting_name(session), fitting(body)))
        while self._waiting:
            if not self._write(*self._waiting[0]):
                if len(self._waiting) > _MOST_WAITING:
                    self._waiting.popleft()
                    self.lost += 1
                return False
            self._waiting.popleft()
            if self.lost and not self._waiting:
                lost, self.lost = self.lost, 0
                told = {"records_lost": lost, "because": "the log could not be written"}
                self._waiting.append(("gap", "", fitting(told)))
        if self._unsigned >= self._every:
            self.checkpoint()
        return True

    def _write(self, kind: str, session: str, body: msgspec.Raw) -> bool:
        record: dict[str, Any] = {
            "sequence": self.sequence + 1,
            "time": format_timestamp(time.time_ns()),
            "kind": kind,
        }
        if session:
            record["session"] = session
        record["body"] = body
        content = msgspec.json.encode(record)
        chain = link(self._chain, sha256(content).digest())
        line = chained(content, chain) + b"\n"
        try:
            written = os.write(self._handle, line)
            if written < len(line):
                raise OSError
        except OSError:
            os.ftruncate(self._handle, self._good)  # our own piece of a line, never a whole record
            return False
        self._good += len(line)
        self.sequence, self._chain = self.sequence + 1, chain
        self._unsigned += 1
        return True

    def checkpoint(self) -> bool:
        """Sign all that was written so far, and flush it to disk; tells whether the signature was written."""
        signature = self._key.sign(signed_part(self.sequence + 1, self._chain)).hex()
        body = {"key": self.key, "signature": signature, "signs": self._chain.hex()}
        if not self._write("checkpoint", "", fitting(body)):
            return False
        self._unsigned, self._signed = 0, time.monotonic()
        self._head = Head(sequence=self.sequence, **body)
        self._flusher.submit(self.flush)
        return True

    def flush(self) -> None:
        """Bring the log and its head to disk, beside the scoring, which must not wait for a disk."""
        with suppress(OSError, InputError):  # a full disk shows in the next record that is written
            os.fsync(self._handle)
            if self._head:
                write_aside(head_of(self.path), msgspec.json.encode(self._head) + b"\n", mode=0o600)

    def checkpoint_if_due(self) -> None:
        """Sign when something unsigned has waited for `_SIGNED_WITHIN` seconds."""
        if self._unsigned and time.monotonic() - self._signed > _SIGNED_WITHIN:
            self.checkpoint()

    def close(self) -> None:
        """Sign, flush and close."""
        self.checkpoint()
        self._flusher.shutdown()
        os.close(self._handle)


class Last(NamedTuple):
    """Where a log ended: its last record, what was left of a line, and the last that says what happened.

    `kind` and `time` are that one's: no checkpoint, and nothing of the log's own keeping.
    """

    sequence: int = 0
    chain: bytes = START
    torn: bytes = b""
    kind: str = ""
    time: str = ""


def _resume(path: Path) -> Last:
    lines = _newest_lines(path)
    last, torn = None, b""
    for line in lines:
        try:
            content, chain = content_of(line)
            record = read_json(content, Record)
        except ValueError:
            torn = torn or line
            continue
        last = last or Last(record.sequence, chain, torn)
        if record.kind not in _ASIDE:
            return last._replace(kind=record.kind, time=record.time)
    if last is None and lines and not (len(lines) == 1 and _FIRST.startswith(torn[: len(_FIRST)])):
        raise InputError(
            "holds no record to go on from", place=path, mend="move it away, or choose another --audit"
        )
    return last or Last(torn=torn)
