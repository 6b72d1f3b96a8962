"""Verification of an audit log: finds an edit, a cut, a reorder, and tells what can still be trusted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from workbench.errors import InputError
from workbench.files import read_bounded
from workbench.scorer.envelope import PublicKey, key_id, read_public_key
from workbench.sensor.audit import START, content_of, head_of, link, signed_part

_Sequence = Annotated[int, msgspec.Meta(ge=1, lt=1 << 62)]
_Hash = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class _Record(msgspec.Struct):
    """What every record has."""

    sequence: _Sequence
    kind: str
    body: dict[str, Any]
    time: str = ""


class _Signed(msgspec.Struct):
    """What a checkpoint says."""

    key: str
    signature: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{128}$")]
    signs: _Hash

    def holds(self, keys: Mapping[str, Ed25519PublicKey], sequence: int, chain: bytes) -> bool:
        """Whether a key that is trusted signed this chain value in this place."""
        try:
            keys[self.key].verify(bytes.fromhex(self.signature), signed_part(sequence, chain))
        except (InvalidSignature, KeyError):
            return False
        return True


class _Head(_Signed):
    """The newest checkpoint, as it lies beside the log."""

    sequence: _Sequence


@dataclass
class Report:
    """What verification found; `trusted` is the sequence number up to which signed records are whole."""

    records: int = 0
    trusted: int = 0
    trusted_time: str = ""
    checkpoints: int = 0
    omitted: int = 0
    stopped: bool = False
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether nothing was tampered with."""
        return not self.problems


class _Chain:
    """Walks the lines, holding what the next one must continue."""

    def __init__(self, keys: dict[str, Ed25519PublicKey]) -> None:
        self.report = Report()
        self._keys = keys
        self.chain = START
        self.sequence = 0
        self._broken = False
        self._missing = self._deleted = 0
        self._torn: bytes | None = None
        self.last_time = ""

    def take(self, number: int, line: bytes) -> None:
        try:
            raw = msgspec.json.decode(line)
            if not isinstance(raw, dict):
                raise ValueError("not an object")
            if "omitted" in raw:
                self._omitted(raw)
                return
            content, chain = content_of(line)
            record = msgspec.json.decode(content, type=_Record)
        except (ValueError, KeyError, TypeError, RecursionError):
            if self._torn is not None:
                self._fault(number, "is no record")
            self._torn = line
            return
        if self._torn is not None and not self._explains(record):
            self._fault(number, "follows a line that is no record and that nothing explains")
        self._torn = None
        sequence, kind = record.sequence, record.kind
        if not self.sequence and kind == "checkpoint" and sequence > 1:
            self._begin_late(record)
        self._place(number, sequence)
        if link(self.chain, sha256(content).digest()) != chain:
            self._fault(
                number, f"record {sequence} was changed, or one before it was changed, removed or moved"
            )
        before, self.chain, self.sequence = self.chain, chain, sequence
        self.report.records += 1
        self.last_time = record.time
        self.report.stopped = kind == "sensor_stop" or (kind == "checkpoint" and self.report.stopped)
        if kind == "checkpoint":
            self._checkpoint(number, record, before)
        elif kind == "retention":
            self._retention(record)

    def _retention(self, record: _Record) -> None:
        told = record.body.get("deleted_to")
        self._deleted = max(self._deleted, told if isinstance(told, int) else 0)

    def _begin_late(self, record: _Record) -> None:
        """Take a checkpoint as the beginning: its signature, checked later, holds for what it signs."""
        with suppress(msgspec.ValidationError):
            self.chain = bytes.fromhex(msgspec.convert(record.body, _Signed).signs)
            self.sequence = self._missing = record.sequence - 1

    def _place(self, number: int, sequence: int) -> None:
        if sequence == self.sequence + 1:
            return
        if sequence <= self.sequence:
            self._fault(number, f"record {sequence} stands after record {self.sequence}: moved or repeated")
        else:
            self._fault(number, f"records {self.sequence + 1} to {sequence - 1} were removed")

    def _explains(self, record: _Record) -> bool:
        told = record.body.get("torn_sha256")
        return record.kind == "recovered" and told == sha256(self._torn or b"").hexdigest()

    def _omitted(self, raw: dict[str, Any]) -> None:
        self.chain = link(self.chain, bytes.fromhex(raw["omitted"]))
        self.sequence += 1
        self.report.omitted += 1

    def _checkpoint(self, number: int, record: _Record, before: bytes) -> None:
        try:
            signed = msgspec.convert(record.body, _Signed)
        except msgspec.ValidationError as error:
            self._fault(number, f"checkpoint {record.sequence} is malformed: {error}")
            return
        if signed.key not in self._keys:
            self._fault(number, f"checkpoint {record.sequence} is signed by an unknown key")
        elif not signed.holds(self._keys, record.sequence, before):
            self._fault(number, f"the signature of checkpoint {record.sequence} does not hold")
        else:
            self.report.checkpoints += 1
            if not self._broken:
                self.report.trusted = self.sequence
                self.report.trusted_time = self.last_time

    def _fault(self, number: int, what: str) -> None:
        self._broken = True
        self.report.problems.append(f"line {number}: {what}")

    def end(self) -> Report:
        if self._torn is not None:
            self.report.notes.append(
                f"the last line is cut: {len(self._torn)} bytes of a record that was being written"
            )
        if self._missing > self._deleted:
            self.report.problems.append(
                f"the beginning was cut: records {self._deleted + 1} to {self._missing} are gone, and no"
                " retention record says so"
            )
        elif self._missing:
            self.report.notes.append(f"records 1 to {self._missing} were deleted by the retention policy")
        return self.report


def verify(log: Path, trust: Iterable[PublicKey]) -> Report:
    """Check every record of a log, or of an exported bundle's chain, against the trusted keys.

    Raises InputError when the log cannot be read.
    """
    keys = {key_id(key): key for key in map(read_public_key, trust)}
    chain = _Chain(keys)
    try:
        with log.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                chain.take(number, line.removesuffix(b"\n"))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", place=log, mend="check the path") from None
    report = chain.end()
    _check_end(log, keys, chain, report)
    return report


def _check_end(log: Path, keys: dict[str, Ed25519PublicKey], chain: _Chain, report: Report) -> None:
    """Compare the end with the head that is kept beside the log, and say what nothing signs."""
    head = head_of(log)
    if head.is_file():
        if (sequence := _sequence_of(head, keys)) is None:
            report.problems.append(f"{head.name}: is not a checkpoint signed by a trusted key")
        elif sequence > chain.sequence:
            report.problems.append(f"the end was cut: records {chain.sequence + 1} to {sequence} are gone")
    elif not report.omitted:
        report.notes.append(f"{head.name} is missing: a cut of whole records at the end would not show")
    if not report.checkpoints:
        report.problems.append("no checkpoint of a trusted key: nothing here is signed")
    elif chain.sequence > report.trusted and report.whole:
        report.notes.append(f"records after {report.trusted} are chained, but not signed yet")
    if not report.stopped and report.whole:
        report.notes.append(
            "the log does not end with a sensor's stop: it still runs, was killed, or was cut since"
        )


def _sequence_of(head: Path, keys: Mapping[str, Ed25519PublicKey]) -> int | None:
    """Give the sequence that a head signs; None when no trusted key did."""
    try:
        told = msgspec.json.decode(read_bounded(head), type=_Head)
    except (OSError, ValueError, RecursionError):
        return None
    return told.sequence if told.holds(keys, told.sequence, bytes.fromhex(told.signs)) else None
