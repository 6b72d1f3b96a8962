"""Whatever is done to a log, its head or a bundle, a check tells of it or finds it whole: it never breaks."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import InputError
from workbench.pack.keys import public_pem
from workbench.scorer.envelope import read_public_key
from workbench.sensor import check_bundle
from workbench.sensor.audit import START, AuditLog, chained, content_of, link
from workbench.sensor.bundle import export
from workbench.sensor.retention import delete_before
from workbench.sensor.verify import verify

TOKEN = re.compile(rb'"[^"]*":?|[-0-9.]+|[][{},\n]|true|false|null')
VALUES = [
    *(b"", b"null", b"true", b"-1", b"0", b"7", b"1.0", b"1e400", b"NaN", b"9223372036854775808"),
    *(b"18446744073709551616", b"1" * 5_000, b"[]", b"{}", b"[1]", b'{"event.id":[]}', b"[" * 50_000),
    *(b'""', b'"\\ud800"', b'"\xff"', b'"\\u0000"', b'"%b"' % (b"z" * 64), b'"%b"' % (b"ab" * 32)),
    *(b'"kind":', b'"checkpoint"', b'"retention"', b'"recovered"', b'"omitted":', b'"evidence":[7],'),
    *(b'"event":7,', b'"uid":[],', b'"deleted_to":"x",', b"\n", b"\r", b"}", b"{", b"]", b","),
]
CHANGES = st.lists(
    st.tuples(st.integers(0, 1 << 20), st.booleans(), st.sampled_from(VALUES) | st.binary(max_size=8)),
    min_size=1,
    max_size=3,
)


def signed(key: Path, message: bytes, signature: bytes) -> bool:
    """What openssl says, sooner."""
    try:
        read_public_key(key).verify(signature, message)
    except (InvalidSignature, InputError):
        return False
    return True


@pytest.fixture(scope="module")
def genuine(make: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A log that was kept short, and was once torn, and the bundle of one of its two sessions."""
    place = tmp_path_factory.mktemp("genuine")
    public = place / "key.pub"
    public.write_bytes(public_pem(make.key))
    path = place / "log"
    AuditLog(path, make.key).close()
    with path.open("ab") as torn:
        torn.write(b'{"sequence":2,"ti')
    log = AuditLog(path, make.key)
    log.append("sensor_start", {"pack": {"name": "p"}})
    log.checkpoint()
    delete_before(log, time.time_ns())
    event = {"@timestamp": 1_767_225_600_000_000_120, "event.id": "k7", "process.pid": 7}
    for session in ("s0", "other"):
        log.append("session_start", {"event": event}, session)
        log.append("finding", {"uid": "u", "finding": make.finding(), "evidence": [event]}, session)
    os.close(log._handle)
    log._flusher.shutdown()
    with path.open("ab") as torn:
        torn.write(b'{"sequence":9')
    AuditLog(path, make.key).close()
    export(path, "s0", place / "bundle", [public])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(check_bundle, "signed", signed)
        yield place


def changed(data: bytes, changes: list[tuple[int, bool, bytes]]) -> bytes:
    """Put other bytes in the place of a piece of the JSON, or beside it."""
    for where, beside, what in changes:
        pieces = [found.span() for found in TOKEN.finditer(data)]
        begin, end = pieces[where % len(pieces)] if pieces else (0, 0)
        data = data[: end if beside else begin] + what + data[end:]
    return data


def chained_anew(data: bytes) -> bytes:
    """Compute the chain as anyone can."""
    chain, lines = START, data.split(b"\n")
    for number, line in enumerate(lines):
        with suppress(ValueError):
            content = content_of(line)[0]
            signs = re.search(rb'"kind":"checkpoint".*"signs":"([0-9a-f]{64})"', content)
            if not number and signs:
                chain = bytes.fromhex(signs[1].decode())
            chain = link(chain, sha256(content).digest())
            lines[number] = chained(content, chain)
    return b"\n".join(lines)


FILES = ["log", "log.head", "bundle/chain.jsonl", "bundle/events.jsonl", "bundle/findings.jsonl"]


@settings(max_examples=300)
@given(file=st.sampled_from([*FILES, "key.pub", "bundle/key.pub"]), changes=CHANGES, anew=st.booleans())
def test_no_change_breaks_a_check(
    genuine: Path, file: str, changes: list[tuple[int, bool, bytes]], anew: bool
) -> None:
    public = genuine / "key.pub"
    whole = (genuine / file).read_bytes()
    data = changed(whole, changes)
    data = chained_anew(data) if anew else data
    (genuine / file).write_bytes(data)
    try:
        fault, _ = check_bundle.check(genuine / "bundle")
        with suppress(InputError):
            checked = verify(genuine / "log", [public])
            assert all(isinstance(problem, str) for problem in checked.problems)
            verify(genuine / "bundle" / "chain.jsonl", [public])
        with suppress(InputError):
            export(genuine / "log", "s0", genuine / "again", [public])
    finally:
        (genuine / file).write_bytes(whole)
        shutil.rmtree(genuine / "again", ignore_errors=True)
    if file == "bundle/chain.jsonl" and data.removesuffix(b"\n") != whole.removesuffix(b"\n"):
        assert fault


def test_without_a_change_both_checks_find_it_whole(genuine: Path) -> None:
    assert check_bundle.check(genuine / "bundle") == ("", 3)
    assert verify(genuine / "log", [genuine / "key.pub"]).problems == []
