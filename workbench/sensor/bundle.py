"""Evidence bundles: one session's records, in a chain that a stranger can check without anything of ours."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from workbench.errors import InputError
from workbench.event import to_json
from workbench.files import write_aside
from workbench.sensor.audit import content_of
from workbench.sensor.verify import verify

_ALWAYS = ("checkpoint", "key", "sensor_start", "sensor_stop", "pack_loaded", "gap", "recovered")
"""Records that belong to every session: what ran, with which pack and key, and what was missed."""

_README = """\
Evidence of one agent session, written by the sensor of the Agent Detection Workbench.

    session   {session}
    records   {kept} in full, {omitted} of other sessions as digests only
    key       {key}
              (SHA-256 of the sensor's raw Ed25519 public key; compare it with what its owner tells you)

chain.jsonl   the audit log. Each line ends in "chain"; without it (and its comma) the line is the record.
              digest = SHA-256(record); chain = SHA-256(chain before || digest); 32 zero bytes begin it.
              A line {{"omitted": digest}} stands for a record of another session.
              A record of kind checkpoint signs, with Ed25519, the bytes
              "agent-detection-workbench audit checkpoint 1\\n" || its sequence (8 bytes, big endian) ||
              the chain value before it.
events.jsonl  the events that findings rest on, with the confidence of their attribution and provenance.
key.pub       the public key (PEM).

To check it with the workbench:    workbench audit verify chain.jsonl --trust key.pub
Without it: read the lines in order, compute the chain as above, and verify each checkpoint's signature with
any Ed25519 library. The pack that was in force is named, with the digest of its payload, in sensor_start and
pack_loaded records.
"""


def export(log: Path, session: str, out: Path, trust: list[Path] | None = None) -> int:
    """Write the bundle of a session into the new directory `out`; gives how many of its records it holds.

    Raises InputError when the log was tampered with, holds nothing of the session, or `out` exists.
    """
    public = (trust or [log.with_name(log.name + ".key.pub")])[0]
    report = verify(log, trust or [public])
    if not report.whole:
        raise InputError(
            f"was tampered with: {report.problems[0]}", place=log, mend="see `workbench audit verify`"
        )
    if out.exists():
        raise InputError("already exists", place=out, mend="choose another --out")
    chain: list[bytes] = []
    events: dict[str, bytes] = {}
    own = kept = 0
    for line, record in _records(log):
        mine = record.get("session") == session
        if mine or record["kind"] in _ALWAYS:
            chain.append(line)
            kept += 1
        else:
            content, _ = content_of(line)
            chain.append(msgspec.json.encode({"omitted": sha256(content).hexdigest()}))
        if mine:
            own += 1
            body = record["body"]
            for event in [*body.get("evidence", []), *([body["event"]] if "event" in body else [])]:
                events[str(event.get("event.id"))] = to_json(event)
    if not own:
        raise InputError(f"holds nothing of session {session[:80]}", place=log, mend="check the session's id")
    write_aside(out / "chain.jsonl", b"".join(line + b"\n" for line in chain))
    write_aside(out / "events.jsonl", b"".join(line + b"\n" for line in events.values()))
    write_aside(out / "key.pub", public.read_bytes())
    told = _README.format(session=session, kept=kept, omitted=len(chain) - kept, key=_key(chain))
    write_aside(out / "README.txt", told.encode())
    return own


def _records(log: Path) -> Iterator[tuple[bytes, dict[str, Any]]]:
    with log.open("rb") as lines:
        for line in lines:
            whole = line.removesuffix(b"\n")
            try:
                yield whole, msgspec.json.decode(whole)
            except msgspec.DecodeError:
                continue  # the piece of a line that a `recovered` record explains


def _key(chain: list[bytes]) -> str:
    signed = (msgspec.json.decode(line) for line in chain)
    return next((record["body"]["key"] for record in signed if record.get("kind") == "checkpoint"), "none")
