"""A fleet: recorded sessions multiplied over many hosts, to try what a backtest costs at size."""

from __future__ import annotations

import random
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from workbench.dataset.recording import Recording
from workbench.dataset.session import Session
from workbench.event import TIMESTAMPS

DAY_NS = 86_400 * 1_000_000_000
NOTE = "multiplied from a recorded session: new ids, host and time, the same behaviour"
"""What every session of a fleet says of itself."""


def multiply(
    recordings: list[Recording], out: Path, *, events: int, hosts: int = 100, days: int = 30, seed: int = 0
) -> Iterator[tuple[Path, int]]:
    """Write copies of the recordings below `out` until they hold at least `events` events.

    Each copy is a session of its own on one of `hosts` hosts within `days` days: its conversation id, boot,
    entity ids and times are new, its behaviour and labels are not. One recording is in memory at a time.
    Gives each copy's directory and how many events it holds.
    """
    draw = random.Random(seed)  # noqa: S311 - a reproducible draw, not a secret
    boots = [f"{draw.getrandbits(32):08x}" for _ in range(hosts)]
    made = number = 0
    while made < events:
        number += 1
        recording = draw.choice(recordings)
        host = draw.randrange(hosts)
        shift = draw.randrange(days) * DAY_NS + draw.randrange(DAY_NS)
        session_id = str(uuid.UUID(int=draw.getrandbits(128), version=4))
        table = pq.read_table(recording.path / "events.parquet", memory_map=False)
        table = _moved(table, session_id, boots[host], shift)
        target = out / f"{number // 1000:03d}" / f"run-{number:07d}"
        _write(target, table, recording, _session(recording.session, session_id, host, boots[host], shift))
        made += table.num_rows
        yield target, table.num_rows


def _write(target: Path, table: pa.Table, recording: Recording, session: Session) -> None:
    """Write the copy aside, then move it into place; compressed lightly: a fleet is thrown away again."""
    scratch = target.with_name(f".{target.name}")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    pq.write_table(table, scratch / "events.parquet", compression="zstd", compression_level=1)
    if (labels := recording.path / "labels.parquet").is_file():
        shutil.copyfile(labels, scratch / labels.name)
    (scratch / "session.json").write_bytes(msgspec.json.encode(session))
    scratch.rename(target)


def _moved(table: pa.Table, session_id: str, boot: str, shift: int) -> pa.Table:
    """Give the events of another session, on another boot, at another time."""
    for place, field in enumerate(table.schema):
        column = table.column(place)
        if field.name in TIMESTAMPS:
            column = pc.cast(pc.add(pc.cast(column, pa.int64()), shift), field.type)
        elif field.name == "gen_ai.conversation.id":
            column = pc.if_else(pc.is_valid(column), session_id, column)
        elif field.name.endswith("entity_id"):
            column = pc.replace_substring_regex(column, pattern="^[0-9a-f]+-", replacement=f"{boot}-")
        else:
            continue
        table = table.set_column(place, field, column)
    return table


def _session(session: Session, session_id: str, host: int, boot: str, shift: int) -> Session:
    return Session(
        id=session_id,
        agent=session.agent,
        agent_version=session.agent_version,
        source=session.source,
        command=session.command,
        host=f"host-{host:05d}",
        boot=boot,
        kernel=session.kernel,
        started=session.started + shift,
        ended=session.ended + shift,
        exit_code=session.exit_code,
        sent=session.sent,
        received=session.received,
        loss=session.loss,
        settings=session.settings,
        cannot_see=session.cannot_see,
        notes=[*session.notes, NOTE],
    )
