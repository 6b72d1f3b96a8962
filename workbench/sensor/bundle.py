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
from workbench.scorer.envelope import key_id, read_public_key
from workbench.sensor import check_bundle
from workbench.sensor.audit import content_of, read_json
from workbench.sensor.verify import verify

_OF_SESSIONS = frozenset(
    {"session_start", "session_end", "finding", "excepted", "would_block", "block", "block_continued"}
    | {"prevented", "sensor_failed"}
)
"""Records that belong to their session alone; every other tells what ran, and what was missed, for all."""

_README = """\
Evidence of one agent session, written by the sensor of the Agent Detection Workbench.

    session   {session}
    records   {kept} in full, {omitted} of other sessions as digests only
    pack      {packs}
    key       {key}
              (SHA-256 of the sensor's raw Ed25519 public key; compare it with what its owner tells you)

To check it:    python3 check.py          (needs Python 3 and openssl, nothing of the workbench)
or:             workbench audit verify chain.jsonl --trust key.pub

chain.jsonl     the audit log. Each line ends in "chain"; without it (and its comma) the line is the record.
                digest = SHA-256(record); chain = SHA-256(chain before || digest); 32 zero bytes begin it.
                A line {{"omitted": digest}} stands for a record of another session.
                A record of kind checkpoint signs, with Ed25519, the bytes
                "agent-detection-workbench audit checkpoint 1\\n" || its sequence (8 bytes, big endian) ||
                the chain value before it, which it repeats as "signs". Where the first line is a checkpoint,
                what came before was deleted, and a record of kind retention says so.
findings.jsonl  what was found: the rule, the verdict, the evidence's event ids, how sure each is.
events.jsonl    the events that findings rest on. attribution.confidence tells how sure it is who did it and
                attribution.method how that is known; provenance.confidence, how sure it is that the data
                came from where provenance.labels say. All are from 0 to 1.
key*.pub        the public keys (PEM).
check.py        the check, to be read before it is run.

The digest above is SHA-256 of the pack's payload: the pack itself, asked for by that digest, can be run over
the events again (workbench score).
"""


def export(log: Path, session: str, out: Path, trust: list[Path] | None = None) -> int:
    """Write the bundle of a session into the new directory `out`; gives how many of its records it holds.

    The beginning of the session's id will do; records that no checkpoint signs yet stay out. Raises
    InputError when the log was tampered with, holds nothing of the session or several that begin so, or `out`
    exists.
    """
    keys = trust or [Path(f"{log}.key.pub")]
    report = verify(log, keys)
    if not report.whole:
        raise InputError(
            f"was tampered with: {report.problems[0]}", place=log, mend="see `workbench audit verify`"
        )
    if out.exists():
        raise InputError("already exists", place=out, mend="choose another --out")
    session = _named(log, report.trusted, session)
    chain: list[bytes] = []
    events: dict[str, bytes] = {}
    findings: dict[str, bytes] = {}
    packs: dict[str, None] = {}
    own = kept = 0
    for line, record in _records(log, report.trusted):
        if "omitted" in record:
            chain.append(line)
            continue
        mine = record.get("session") == session
        if mine or not (record.get("session") or record["kind"] in _OF_SESSIONS):
            chain.append(line)
            kept += 1
        else:
            content, _ = content_of(line)
            chain.append(msgspec.json.encode({"omitted": sha256(content).hexdigest()}))
        body = record["body"]
        if record["kind"] in ("sensor_start", "pack_loaded"):
            packs[_pack(body.get("pack", body))] = None
        if mine:
            own += 1
            for event in check_bundle.events_of(body):
                events[str(event.get("event.id"))] = to_json(event)
            if record["kind"] in ("finding", "excepted"):
                findings[body["uid"]] = msgspec.json.encode(check_bundle.finding_of(body))
    told = _README.format(
        session=session,
        kept=kept,
        omitted=len(chain) - kept,
        packs="\n              ".join(packs),
        key=", ".join(key_id(read_public_key(key)) for key in keys),
    )
    for name, lines in (("events", events.values()), ("findings", findings.values()), ("chain", chain)):
        write_aside(out / f"{name}.jsonl", b"".join(line + b"\n" for line in lines))
    for number, key in enumerate(keys):
        write_aside(out / f"key{number or ''}.pub", key.read_bytes())
    write_aside(out / "check.py", Path(check_bundle.__file__).read_bytes())
    write_aside(out / "README.txt", told.encode())
    return own


def _named(log: Path, trusted: int, beginning: str) -> str:
    found = {str(record.get("session", "")) for _, record in _records(log, trusted)} - {""}
    named = {beginning} & found or {session for session in found if session.startswith(beginning)}
    if not named:
        raise InputError(
            f"holds nothing of session {beginning[:80]}", place=log, mend="check the session's id"
        )
    if len(named) > 1:
        raise InputError(
            f"{len(named)} sessions begin with {beginning[:80]!r}", place=log, mend="give more of the id"
        )
    return named.pop()


def _records(log: Path, trusted: int) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """Give the lines up to the last checkpoint: what follows is not signed, and may be anyone's."""
    with log.open("rb") as lines:
        for line in lines:
            whole = line.removesuffix(b"\n")
            try:
                record = read_json(whole, dict[str, Any])
            except ValueError:
                continue  # the piece of a line that a `recovered` record explains
            yield whole, record
            if record.get("sequence") == trusted:
                return


def _pack(told: dict[str, Any]) -> str:
    return f"{told.get('name', '')} {told.get('version', '')}  sha256:{told.get('payload_sha256', '')}"
