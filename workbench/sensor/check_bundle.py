"""Check the evidence in this directory: `python3 check.py`. Needs Python 3 and the openssl command, no more.

It computes the chain of chain.jsonl anew, verifies each checkpoint's signature with key.pub, and looks for
each line of events.jsonl and findings.jsonl in the signed records. Exit status 1: something was changed.
Each record is decoded from the very bytes that are chained.
"""

from __future__ import annotations

import calendar
import hashlib
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PREFIX = b"agent-detection-workbench audit checkpoint 1\n"
END = re.compile(rb',"chain":"([0-9a-f]{64})"\}\Z')
OMITTED = re.compile(rb'\{"omitted":"([0-9a-f]{64})"\}')


def signed(key: Path, message: bytes, signature: bytes) -> bool:
    """Whether the Ed25519 signature holds, as openssl says."""
    with tempfile.TemporaryDirectory() as place:
        data, proof = Path(place, "data"), Path(place, "proof")
        data.write_bytes(message)
        proof.write_bytes(signature)
        told = subprocess.run(
            [
                "openssl",
                "pkeyutl",
                "-verify",
                "-pubin",
                "-inkey",
                key,
                "-rawin",
                "-in",
                data,
                "-sigfile",
                proof,
            ],
            capture_output=True,
            check=False,
        )
    return told.returncode == 0


def same(told: object, original: object) -> bool:
    """Whether a value is the original's; events.jsonl writes times as text, the chain as nanoseconds."""
    if isinstance(told, str) and isinstance(original, int):
        whole, _, part = told.rstrip("Z").partition(".")
        seconds = calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S"))
        return seconds * 10**9 + int(part.ljust(9, "0")) == original
    return told == original


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its members; of two that have the same name, one would hide the other."""
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a name stands twice")
    return dict(pairs)


def record_of(line: bytes) -> tuple[bytes, dict[str, Any], str]:
    """Give the bytes of a line that are chained, the record decoded from these alone, and its chain value."""
    end = END.search(line)
    if end is None:
        raise ValueError("does not end in a chain value")
    content = line[: end.start()] + b"}"
    record = json.loads(content, object_pairs_hook=once)
    if not 0 < record["sequence"] < 1 << 63 or not isinstance(record["body"], dict):
        raise ValueError("is no record")
    return content, record, end[1].decode()


def omitted_of(line: bytes) -> bytes | None:
    """Give the digest that stands for a record of another session, None where a record stands itself."""
    found = OMITTED.fullmatch(line)
    return bytes.fromhex(found[1].decode()) if found else None


class Chain:
    """What the records say, read one after the other."""

    def __init__(self, keys: list[Path]) -> None:
        self.keys = keys
        self.value, self.sequence = bytes(32), 0
        self.missing = self.deleted = self.checkpoints = self.unsigned = 0
        self.events: dict[str, dict[str, Any]] = {}
        self.findings: dict[str, dict[str, Any]] = {}

    def take(self, line: bytes) -> str:
        """Read a line; gives what is wrong with it, "" when nothing is."""
        digest = omitted_of(line)
        if digest is not None:
            self.value, self.sequence = hashlib.sha256(self.value + digest).digest(), self.sequence + 1
            return ""
        content, record, told = record_of(line)
        body, kind = record["body"], record["kind"]
        if not self.sequence and kind == "checkpoint":  # what came before was deleted, as a record says
            self.value, self.sequence = bytes.fromhex(body["signs"]), record["sequence"] - 1
            self.missing = self.sequence
        before, self.sequence = self.value, self.sequence + 1
        self.value = hashlib.sha256(before + hashlib.sha256(content).digest()).digest()
        if record["sequence"] != self.sequence or told != self.value.hex():
            return f"record {record['sequence']} does not continue the chain"
        self.unsigned += 1
        if kind == "checkpoint":
            message = PREFIX + self.sequence.to_bytes(8, "big") + before
            if not any(signed(key, message, bytes.fromhex(body["signature"])) for key in self.keys):
                return "no key here made this signature"
            self.checkpoints, self.unsigned = self.checkpoints + 1, 0
        elif kind == "retention":
            self.deleted = max(self.deleted, int(body["deleted_to"]))
        for event in [*body.get("evidence", []), *([body["event"]] if "event" in body else [])]:
            self.events[event.get("event.id")] = event
        if kind in ("finding", "excepted"):
            self.findings[body["uid"]] = {name: body[name] for name in body if name != "evidence"}
        return ""

    def end(self) -> list[str]:
        """Give what is wrong with the whole."""
        faults = []
        if self.unsigned:
            faults.append(f"the last {self.unsigned} records are not signed")
        if self.missing > self.deleted:
            faults.append(f"records {self.deleted + 1} to {self.missing} are gone, and no record says so")
        return faults


def copied(file: Path, name: str, known: dict[str, dict[str, Any]]) -> list[str]:
    """Tell where a file of copies is not what the chain holds, all of it."""
    faults, left = [], set(known)
    for number, line in enumerate(file.read_bytes().splitlines(), 1):
        try:
            copy = json.loads(line, object_pairs_hook=once)
            original = known.get(copy[name], {})
            left.discard(copy[name])
            fits = copy.keys() == original.keys() and all(same(copy[key], original[key]) for key in copy)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            fits = False
        if not fits:
            faults.append(f"{file.name}:{number}: is not what the chain holds")
    if left:
        faults.append(f"{file.name}: {len(left)} that the chain holds are not there")
    return faults


def check(place: Path) -> tuple[list[str], int]:
    """Give what is wrong, and how many checkpoints of the keys there are hold."""
    chain = Chain(sorted(place.glob("key*.pub")))
    faults: list[str] = []
    for number, line in enumerate((place / "chain.jsonl").read_bytes().split(b"\n")[:-1], 1):
        try:
            fault = chain.take(line)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            fault = f"is no record: {error!r}"
        if fault:
            faults.append(f"chain.jsonl:{number}: {fault}")
            break
    faults += chain.end()
    faults += copied(place / "events.jsonl", "event.id", chain.events)
    faults += copied(place / "findings.jsonl", "uid", chain.findings)
    return faults, chain.checkpoints


if __name__ == "__main__":
    found, count = check(Path(__file__).parent)
    for fault in found:
        print("changed:", fault)
    print("checkpoints whose signature holds:", count)
    sys.exit(bool(found or not count))
