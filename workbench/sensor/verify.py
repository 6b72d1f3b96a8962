"""Verification of an audit log: finds an edit, a cut, a reorder, and tells what can still be trusted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from workbench.errors import InputError
from workbench.scorer.envelope import PublicKey, key_id, read_public_key
from workbench.sensor.audit import (
    START,
    Checkpoint,
    Head,
    Record,
    content_of,
    head_of,
    link,
    read_json,
    signed_part,
)


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


class _Retention(msgspec.Struct):
    deleted_to: int


class _Recovered(msgspec.Struct):
    torn_sha256: str


_Body = Checkpoint | _Retention | _Recovered
_BODIES: dict[str, type[_Body]] = {
    "checkpoint": Checkpoint,
    "retention": _Retention,
    "recovered": _Recovered,
}
_OMITTED = re.compile(rb'\{"omitted":"([0-9a-f]{64})"\}')


def _body_of(record: Record) -> _Body | None:
    """Decode a body that verification depends on; None when it is another's, or not as it must be."""
    kind = _BODIES.get(record.kind)
    try:
        return read_json(record.body, kind) if kind else None
    except ValueError:
        return None


class _Chain:
    """Walks the lines, holding what the next one must continue."""

    def __init__(self, keys: dict[str, Ed25519PublicKey]) -> None:
        self.report = Report()
        self._keys = keys
        self.chain = START
        self.sequence = 0
        self._broken = False
        self._missing = self._told = self._deleted = 0  # told of as deleted; and that is signed
        self._torn: bytes | None = None
        self.last_time = ""

    def take(self, number: int, line: bytes) -> None:
        if left_out := _OMITTED.fullmatch(line):
            self.chain = link(self.chain, bytes.fromhex(left_out[1].decode()))
            self.sequence += 1
            self.report.omitted += 1
            return
        try:
            content, chain = content_of(line)
            record = read_json(content, Record)
        except ValueError:
            if self._torn is not None:
                self._fault(number, "is no record")
            self._torn = line
            return
        body = _body_of(record)
        if self._torn is not None and not self._explains(body):
            self._fault(number, "follows a line that is no record and that nothing explains")
        self._torn = None
        if not self.sequence and isinstance(body, Checkpoint) and record.sequence > 1:
            # Its signature, checked below, holds for all that it signs, and so for what is missing.
            self.chain, self.sequence = bytes.fromhex(body.signs), record.sequence - 1
            self._missing = self.sequence
        self._place(number, record.sequence)
        if link(self.chain, sha256(content).digest()) != chain:
            self._fault(
                number,
                f"record {record.sequence} was changed, or one before it was changed, removed or moved",
            )
        before, self.chain, self.sequence = self.chain, chain, record.sequence
        self.report.records += 1
        self.last_time = record.time
        self.report.stopped = record.kind == "sensor_stop" or (
            record.kind == "checkpoint" and self.report.stopped
        )
        if isinstance(body, Checkpoint):
            self._checkpoint(number, body, before)
        elif isinstance(body, _Retention):
            self._told = max(self._told, body.deleted_to)
        elif record.kind in _BODIES and body is None:
            self._fault(number, f"{record.kind} {record.sequence} does not hold what such a record holds")

    def _place(self, number: int, sequence: int) -> None:
        if sequence == self.sequence + 1:
            return
        if sequence <= self.sequence:
            self._fault(number, f"record {sequence} stands after record {self.sequence}: moved or repeated")
        else:
            self._fault(number, f"records {self.sequence + 1} to {sequence - 1} were removed")

    def _explains(self, body: _Body | None) -> bool:
        return isinstance(body, _Recovered) and body.torn_sha256 == sha256(self._torn or b"").hexdigest()

    def _checkpoint(self, number: int, body: Checkpoint, before: bytes) -> None:
        key = self._keys.get(body.key)
        if key is None:
            self._fault(number, f"checkpoint {self.sequence} is signed by an unknown key")
            return
        try:
            key.verify(bytes.fromhex(body.signature), signed_part(self.sequence, before))
        except InvalidSignature:
            self._fault(number, f"the signature of checkpoint {self.sequence} does not hold")
            return
        self.report.checkpoints += 1
        self._deleted = self._told
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
        try:
            told = read_json(head.read_bytes(), Head)
            signed = signed_part(told.sequence, bytes.fromhex(told.signs))
            keys[told.key].verify(bytes.fromhex(told.signature), signed)
        except (InvalidSignature, ValueError, KeyError, OSError):
            report.problems.append(f"{head.name}: is not a checkpoint signed by a trusted key")
        else:
            if told.sequence > chain.sequence:
                report.problems.append(
                    f"the end was cut: records {chain.sequence + 1} to {told.sequence} are gone"
                )
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
