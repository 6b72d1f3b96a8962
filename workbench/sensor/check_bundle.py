"""Check the evidence in this directory: `python3 check.py`. Needs Python 3 and the openssl command, no more.

It computes the chain of chain.jsonl anew, verifies each checkpoint's signature with key.pub, and compares
events.jsonl and findings.jsonl with what the signed records hold. Exit status 1: something was changed.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

PREFIX = b"agent-detection-workbench audit checkpoint 1\n"
RECORD = re.compile(rb'(\{.*),"chain":"([0-9a-f]{64})"\}')
OMITTED = re.compile(rb'\{"omitted":"([0-9a-f]{64})"\}')
TIMES = ("@timestamp", "event.start", "event.end", "process.start")


class Changed(Exception):
    """Says what is not as the sensor wrote it."""


def signed(key: Path, message: bytes, signature: bytes) -> bool:
    """Whether the Ed25519 signature holds, as openssl says."""
    with tempfile.TemporaryDirectory() as place:
        data, proof = Path(place, "data"), Path(place, "proof")
        data.write_bytes(message)
        proof.write_bytes(signature)
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(key), "-rawin"]
        files = ["-in", str(data), "-sigfile", str(proof)]
        told = subprocess.run(command + files, capture_output=True, check=False)
    return told.returncode == 0


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Give an object; one that names a key twice could be read in two ways."""
    told = dict(pairs)
    if len(told) < len(pairs):
        raise ValueError("a key stands there twice")
    return told


def parse(line: bytes) -> dict[str, Any]:
    """Give the JSON object that a line is; raises ValueError when it is none."""
    try:
        told = json.loads(line.decode(), object_pairs_hook=once)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(told, dict):
        raise ValueError("not an object")
    return told


def plain(told: dict[str, Any]) -> str:
    """Write an object the one way that equal objects are written: true is not 1, and 1 is not 1.0."""
    return json.dumps(told, sort_keys=True)


def timed(event: dict[str, Any]) -> dict[str, Any]:
    """Give an event with its times as events.jsonl writes them: the chain has nanoseconds since 1970."""
    told = dict(event)
    for name in TIMES:
        if isinstance(at := told.get(name), int):
            whole = datetime(1970, 1, 1) + timedelta(seconds=at // 10**9)
            part = re.sub("(000)+$", "", f"{at % 10**9:09d}")
            told[name] = whole.isoformat() + (f".{part}" if part else "") + "Z"
    return told


def events_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the events that a record tells of."""
    return [*body.get("evidence", []), *([body["event"]] if "event" in body else [])]


def finding_of(body: dict[str, Any]) -> dict[str, Any]:
    """Give a finding as findings.jsonl has it: the evidence stands in events.jsonl."""
    return {name: value for name, value in body.items() if name != "evidence"}


class Chain:
    """Walks chain.jsonl; raises Changed when a line does not continue it."""

    def __init__(self, keys: list[Path]) -> None:
        self.keys = keys
        self.value = bytes(32)
        self.sequence = self.unsigned = self.checkpoints = self.missing = self.deleted = 0
        self.events: dict[str, str] = {}
        self.findings: dict[str, str] = {}

    def take(self, line: bytes) -> None:
        """Take the next line."""
        if left_out := OMITTED.fullmatch(line):
            self.link(bytes.fromhex(left_out[1].decode()))
            return
        parts = RECORD.fullmatch(line)
        if not parts:
            raise Changed("is no record")
        content = parts[1] + b"}"  # only what the chain covers is read
        try:
            self.record(content, parse(content), parts[2].decode())
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
            raise Changed("is no record") from None

    def record(self, content: bytes, record: dict[str, Any], chain: str) -> None:
        """Take a record that is written there in full."""
        sequence, kind, body = record["sequence"], record["kind"], record["body"]
        if kind == "checkpoint" and not self.sequence and sequence > 1:
            # What came before was deleted, as a record says: the signature holds for the chain up to here.
            self.value, self.sequence = bytes.fromhex(body["signs"]), sequence - 1
            self.missing = self.sequence
        before = self.value
        self.link(hashlib.sha256(content).digest())
        if sequence != self.sequence or chain != self.value.hex():
            raise Changed(f"record {self.sequence} does not continue the chain")
        if kind == "checkpoint":
            self.checkpoint(PREFIX + sequence.to_bytes(8, "big") + before, bytes.fromhex(body["signature"]))
        elif kind == "retention":
            self.deleted = max(self.deleted, body["deleted_to"])
        if "session" in record:
            self.events.update((str(event.get("event.id")), plain(timed(event))) for event in events_of(body))
            if kind in ("finding", "excepted"):
                self.findings[body["uid"]] = plain(finding_of(body))

    def link(self, digest: bytes) -> None:
        """Go on to the next record."""
        self.value = hashlib.sha256(self.value + digest).digest()
        self.sequence += 1
        self.unsigned += 1

    def checkpoint(self, message: bytes, signature: bytes) -> None:
        """Count a checkpoint that a key here signed."""
        if not any(signed(key, message, signature) for key in self.keys):
            raise Changed("no key here made this signature")
        self.checkpoints, self.unsigned = self.checkpoints + 1, 0

    def end(self) -> None:
        """Compare the beginning and the end with what is signed."""
        if self.unsigned:
            raise Changed(f"the last {self.unsigned} records are not signed")
        if self.missing > self.deleted:
            raise Changed(
                f"the beginning was cut: records {self.deleted + 1} to {self.missing} are gone,"
                " and no record says so"
            )


def lines_of(path: Path) -> list[bytes]:
    """Give a file's lines."""
    try:
        return path.read_bytes().removesuffix(b"\n").split(b"\n") if path.stat().st_size else []
    except OSError as error:
        raise Changed(f"{path.name}: cannot be read: {error.strerror}") from None


def walk(path: Path, chain: Chain) -> None:
    """Take a chain's lines to its end."""
    for number, line in enumerate(lines_of(path), 1):
        try:
            chain.take(line)
        except Changed as error:
            raise Changed(f"{path.name}:{number}: {error}") from None
    try:
        chain.end()
    except Changed as error:
        raise Changed(f"{path.name}: {error}") from None


def agrees(line: bytes, original: str) -> bool:
    """Whether a line holds the same as an object of the chain."""
    try:
        return plain(parse(line)) == original
    except ValueError:
        return False


def compare(path: Path, held: list[str]) -> None:
    """Compare a file's lines with what the chain holds."""
    lines = lines_of(path)
    for number, (line, original) in enumerate(zip(lines, held, strict=False), 1):
        if not agrees(line, original):
            raise Changed(f"{path.name}:{number}: is not what the chain holds")
    if len(lines) != len(held):
        raise Changed(f"{path.name}: has {len(lines)} lines, and the chain holds {len(held)}")


def check(place: Path) -> tuple[str, int]:
    """Give the first thing that is wrong, if any, and how many checkpoints of the keys there are hold."""
    chain = Chain(sorted(place.glob("key*.pub")))
    try:
        walk(place / "chain.jsonl", chain)
        compare(place / "events.jsonl", list(chain.events.values()))
        compare(place / "findings.jsonl", list(chain.findings.values()))
    except Changed as error:
        return str(error), chain.checkpoints
    return "", chain.checkpoints


if __name__ == "__main__":
    try:
        found, count = check(Path(__file__).parent)
    except OSError as error:
        sys.exit(f"cannot check: {error}")
    if found:
        print("changed:", found)
    print("checkpoints whose signature holds:", count)
    sys.exit(bool(found or not count))
