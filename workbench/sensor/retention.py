"""Retention: old records of an audit log are deleted by policy, and the deletion is itself a record.

Only whole stretches before a checkpoint go, so that what is left begins with one: its signature holds the
chain value of all that came before. A `retention` record, written and signed first, says how far was deleted;
a beginning that is missing without one is a cut, and `audit verify` says so.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

import msgspec

from workbench.event import format_timestamp, parse_timestamp
from workbench.sensor.audit import AuditLog, content_of

DAY = 86_400_000_000_000


class Cut(NamedTuple):
    """Where a log may be cut: the records before it, the checkpoint to begin with, where its line lies."""

    records: int
    sequence: int
    offset: int


def find_cut(path: Path, before: int) -> Cut | None:
    """Give the last checkpoint before a time (ns since 1970) with older records in front of it."""
    cut, offset, records = None, 0, 0
    with path.open("rb") as log:
        for line in log:
            try:
                record = msgspec.json.decode(content_of(line.removesuffix(b"\n"))[0])
                if parse_timestamp(record["time"]) >= before:
                    break
                if record["kind"] == "checkpoint" and records:
                    cut = Cut(records, int(record["sequence"]), offset)
                records += 1
            except (ValueError, KeyError, TypeError):
                pass  # a torn line, which the record after it explains
            offset += len(line)
    return cut


def delete_before(log: AuditLog, before: int) -> int:
    """Delete an open log's records from before a time (ns since 1970); gives how many went.

    The record of it is on disk before anything goes; the file is replaced whole.
    """
    cut = find_cut(log.path, before)
    if cut is None:
        return 0
    told = {"records": cut.records, "deleted_to": cut.sequence - 1, "older_than": format_timestamp(before)}
    if not (log.append("retention", told) and log.checkpoint()):
        return 0  # only a signed record excuses a beginning that is gone
    log.flush()
    handle, name = tempfile.mkstemp(prefix=f".{log.path.name}.", dir=log.path.parent)
    scratch = Path(name)
    try:
        with os.fdopen(handle, "wb") as kept, log.path.open("rb") as whole:
            whole.seek(cut.offset)
            shutil.copyfileobj(whole, kept)
            kept.flush()
            os.fsync(kept.fileno())
        scratch.replace(log.path)
    except OSError:  # a full disk: the old records stay, and the next time tries again
        scratch.unlink(missing_ok=True)
        return 0
    log.reopen()
    return cut.records
