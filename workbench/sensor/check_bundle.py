"""Check the evidence in this directory: `python3 check.py`. Needs Python 3 and the openssl command, no more.

It computes the chain of chain.jsonl anew, verifies each checkpoint's signature with key.pub, and looks for
each line of events.jsonl and findings.jsonl in the signed records. Exit status 1: something was changed.
"""

from __future__ import annotations

import calendar
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

_OPENSSL = ("openssl", "pkeyutl", "-verify", "-pubin", "-rawin")
PREFIX = b"agent-detection-workbench audit checkpoint 1\n"


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


def check(place: Path) -> tuple[list[str], int]:
    """Give what is wrong, and how many checkpoints of the keys there are hold."""
    keys = sorted(place.glob("key*.pub"))
    chain, sequence, checkpoints, unsigned = bytes(32), 0, 0, 0
    faults: list[str] = []
    events: dict[str, dict[str, Any]] = {}
    findings: dict[str, dict[str, Any]] = {}
    for number, line in enumerate((place / "chain.jsonl").read_bytes().splitlines(), 1):
        record = json.loads(line)
        if "omitted" in record:
            chain = hashlib.sha256(chain + bytes.fromhex(record["omitted"])).digest()
            sequence += 1
            continue
        content = line[: line.rindex(b',"chain":"')] + b"}"
        if not sequence and record["kind"] == "checkpoint":  # what came before was deleted, as a record says
            chain, sequence = bytes.fromhex(record["body"]["signs"]), record["sequence"] - 1
        before, sequence = chain, sequence + 1
        chain = hashlib.sha256(chain + hashlib.sha256(content).digest()).digest()
        if record["sequence"] != sequence or record["chain"] != chain.hex():
            faults.append(f"chain.jsonl:{number}: record {record['sequence']} does not continue the chain")
            break
        unsigned += 1
        body = record["body"]
        if record["kind"] == "checkpoint":
            message = PREFIX + sequence.to_bytes(8, "big") + before
            if any(signed(key, message, bytes.fromhex(body["signature"])) for key in keys):
                checkpoints, unsigned = checkpoints + 1, 0
            else:
                faults.append(f"chain.jsonl:{number}: no key here made this signature")
        told = body.get("evidence", []) + ([body["event"]] if "event" in body else [])
        events.update((event["event.id"], event) for event in told)
        if "uid" in body:
            findings.setdefault(body["uid"], body)
    if unsigned:
        faults.append(f"the last {unsigned} records are not signed")
    for name, field, known in (("events.jsonl", "event.id", events), ("findings.jsonl", "uid", findings)):
        for number, line in enumerate((place / name).read_bytes().splitlines(), 1):
            copy = json.loads(line)
            original = known.get(copy.get(field), {})
            if not all(same(value, original.get(field)) for field, value in copy.items()):
                faults.append(f"{name}:{number}: is not what the chain holds")
    return faults, checkpoints


if __name__ == "__main__":
    found, count = check(Path(__file__).parent)
    for fault in found:
        print("changed:", fault)
    print("checkpoints whose signature holds:", count)
    sys.exit(bool(found or not count))
