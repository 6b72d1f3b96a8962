"""The audit log: what was changed, removed, moved or cut is found, and what stays trustworthy is told."""

from __future__ import annotations

import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import InputError
from workbench.pack.keys import generate_key
from workbench.sensor.audit import AuditLog, chained, content_of, head_of, link
from workbench.sensor.verify import Report, verify

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
TRUST = [KEY.public_key()]


def written(path: Path, count: int = 20, every: int = 5) -> list[bytes]:
    log = AuditLog(path, KEY, every=every)
    log.append("sensor_start", {})
    for number in range(count):
        log.append("finding", {"uid": f"u{number}", "number": number}, session=f"s{number % 2}")
    log.append("sensor_stop", {})
    log.close()
    return path.read_bytes().splitlines(keepends=True)


def checked(path: Path, lines: list[bytes]) -> Report:
    path.write_bytes(b"".join(lines))
    return verify(path, TRUST)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("audit") / "audit.jsonl"


@pytest.fixture(scope="module")
def lines(log: Path) -> list[bytes]:
    return written(log)


def test_an_untouched_log_is_trustworthy_to_its_end(log: Path, lines: list[bytes]) -> None:
    report = checked(log, lines)
    assert (report.problems, report.notes) == ([], [])
    assert report.records == report.trusted == len(lines)


@given(data=st.data())
def test_any_changed_byte_is_found(log: Path, lines: list[bytes], data: st.DataObject) -> None:
    whole = bytearray(b"".join(lines))
    position = data.draw(st.integers(0, len(whole) - 1))
    whole[position] ^= data.draw(st.integers(1, 255))
    log.write_bytes(whole)
    changed = bytes(whole[:position]).count(b"\n") + 1
    report = verify(log, TRUST)
    assert report.problems
    assert report.trusted < changed


def test_a_chain_value_in_capitals_is_found(log: Path, lines: list[bytes]) -> None:
    capitals = lines[1][:-66] + lines[1][-66:].upper()
    assert checked(log, [lines[0], capitals, *lines[2:]]).problems


@given(number=st.integers(0, 25))
def test_a_removed_record_is_found(log: Path, lines: list[bytes], number: int) -> None:
    report = checked(log, lines[:number] + lines[number + 1 :])
    assert report.problems
    assert report.trusted <= number


@given(first=st.integers(0, 24), second=st.integers(0, 24))
def test_records_that_changed_places_are_found(
    log: Path, lines: list[bytes], first: int, second: int
) -> None:
    moved = list(lines)
    moved[first], moved[second] = moved[second], moved[first]
    assert bool(checked(log, moved).problems) == (first != second)


@given(kept=st.integers(0, 25))
def test_a_cut_end_is_found_by_the_head_beside_it(log: Path, lines: list[bytes], kept: int) -> None:
    assert checked(log, lines[:kept]).problems


def test_what_comes_before_an_edit_stays_trustworthy(log: Path, lines: list[bytes]) -> None:
    first = next(number for number, line in enumerate(lines) if b'"kind":"checkpoint"' in line)
    spoiled = [*lines[:-3], lines[-3].replace(b"1", b"2", 1), *lines[-2:]]
    assert checked(log, spoiled).trusted > first


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (rb'"sequence":\d+', b'"sequence":18446744073709551616'),
        (rb'"sequence":\d+', b'"sequence":9223372036854775808'),
        (rb'"sequence":\d+', b'"sequence":-1'),
        (rb'"sequence":\d+', b'"sequence":true'),
        (rb'"key":"[^"]*"', b'"key":[1]'),
        (rb'"key":"[^"]*"', b'"key":"\xff"'),
        (rb'"signs":"[^"]*"', b'"signs":"' + b"z" * 64 + b'"'),
        (rb'"signature":"[^"]*"', b'"signature":7'),
        (rb'"body":\{[^}]*\}|^\{.*\}$', b'"body":' + b"[" * 50_000 + b"]" * 50_000),
    ],
)
def test_a_value_that_no_checkpoint_has_is_a_fault(
    log: Path, lines: list[bytes], before: bytes, after: bytes
) -> None:
    first = next(number for number, line in enumerate(lines) if b'"kind":"checkpoint"' in line)
    spoiled = re.sub(before, lambda _: after, lines[first])
    assert spoiled != lines[first]
    assert checked(log, [*lines[:first], spoiled, *lines[first + 1 :]]).problems
    assert checked(log, [spoiled, *lines[first + 1 :]]).problems
    head = head_of(log)
    whole = head.read_bytes()
    try:
        head.write_bytes(re.sub(before, lambda _: after, whole))
        assert any(head.name in problem for problem in checked(log, lines).problems)
    finally:
        head.write_bytes(whole)


def test_a_chain_computed_anew_lacks_the_signatures(log: Path, lines: list[bytes]) -> None:
    chain, forged = bytes(32), []
    for line in lines:
        content = content_of(line.strip())[0].replace(b'"number":7', b'"number":8')
        chain = link(chain, sha256(content).digest())
        forged.append(chained(content, chain) + b"\n")
    assert any("signature" in problem for problem in checked(log, forged).problems)


def test_another_key_is_not_believed(log: Path, lines: list[bytes]) -> None:
    log.write_bytes(b"".join(lines))
    assert verify(log, [Ed25519PrivateKey.generate().public_key()]).trusted == 0


def test_a_log_goes_on_where_it_ended(tmp_path: Path) -> None:
    path = tmp_path / "a"
    written(path)
    written(path)
    report = verify(path, TRUST)
    assert report.whole
    assert report.records == report.trusted


@given(cut=st.integers(1, 200))
def test_a_writer_that_died_in_a_line_is_told_apart_from_tampering(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.mktemp("torn") / "a"
    log = AuditLog(path, KEY)
    log.append("sensor_start", {})
    log.checkpoint()
    log.append("finding", {"text": "x" * 100})
    os.close(log._handle)
    log._flusher.shutdown()
    data = path.read_bytes()
    last = len(data.splitlines()[-1]) + 1
    path.write_bytes(data[: -min(cut, last - 1)])
    AuditLog(path, KEY).close()
    report = verify(path, TRUST)
    assert report.problems == []
    assert report.records >= 3


def test_a_writer_killed_at_any_point_leaves_a_log_that_verifies(tmp_path: Path) -> None:
    key = tmp_path / "k"
    generate_key(key)
    path = tmp_path / "a"
    code = (
        "import sys; from pathlib import Path\n"
        "from workbench.sensor.audit import AuditLog; from workbench.pack.keys import read_private_key\n"
        "log = AuditLog(Path(sys.argv[1]), read_private_key(sys.argv[2]), every=7)\n"
        "print('ready', flush=True)\n"
        "n = 0\n"
        "while True: n += 1; log.append('finding', {'n': n, 'text': 'x' * 500})\n"
    )
    chance = random.Random(7)
    for _ in range(5):
        writer = subprocess.Popen([sys.executable, "-c", code, path, key], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(chance.uniform(0, 0.05))
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
    assert verify(path, [tmp_path / "k.pub"]).problems == []


def test_a_full_disk_loses_nothing_that_there_is_room_to_keep(tmp_path: Path) -> None:
    path = tmp_path / "a"
    log = AuditLog(path, KEY)
    log.append("sensor_start", {})
    full = path.stat().st_size + 100
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (full, limits[1]))
    try:
        assert not log.append("finding", {"text": "x" * 500})
        assert path.stat().st_size <= full
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    log.append("sensor_stop", {})
    log.close()
    report = verify(path, TRUST)
    assert (report.problems, report.records) == ([], 4)


def test_without_the_head_a_cut_cannot_show_and_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a"
    written(path)
    head_of(path).unlink()
    assert any("would not show" in note for note in verify(path, TRUST).notes)


@pytest.mark.parametrize(
    "what",
    ["\ud800", object(), "x" * (9 << 20), ["y" * (1 << 20)] * 9],
    ids=["surrogate", "object", "long", "many"],
)
def test_what_cannot_be_written_is_left_out_and_named_and_the_log_goes_on(tmp_path: Path, what: Any) -> None:
    path = tmp_path / "a"
    log = AuditLog(path, KEY)
    assert log.append("finding", {"uid": "u1", "evidence": what, "number": 7}, session="s\udc80")
    assert log.append("finding", {"uid": "u2"})
    os.close(log._handle)  # as a writer that dies
    log._flusher.shutdown()
    log = AuditLog(path, KEY)
    log.append("sensor_stop", {})
    log.close()
    report = verify(path, TRUST)
    assert (report.problems, report.records, report.trusted) == ([], 4, 4)
    told = msgspec.json.decode(path.read_bytes().splitlines()[0])
    assert told["session"] == "s\\udc80"
    assert told["body"] == {
        "uid": "u1",
        "number": 7,
        "left_out": {"evidence": told["body"]["left_out"]["evidence"]},
    }


def test_names_that_cannot_be_written_are_told_too(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "a", KEY)
    assert log.append("gap", {"\ud800": 1})
    log.close()
    assert verify(tmp_path / "a", TRUST).problems == []
    assert b"ud800" in (tmp_path / "a").read_bytes()


@pytest.mark.parametrize(
    "content",
    [b"root:x:0:0\n", b"{}\n{}\n", b"\0" * 100, b"x" * (9 << 20)],
    ids=["text", "json", "zeros", "long"],
)
def test_a_file_that_gives_no_record_to_go_on_from_is_refused_and_left_alone(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "a"
    path.write_bytes(content)
    with pytest.raises(InputError, match="no record to go on from") as told:
        AuditLog(path, KEY)
    assert "move it away" in str(told.value)
    assert path.read_bytes() == content
    path.unlink()
    AuditLog(path, KEY).close()


@pytest.mark.parametrize("kept", [1, 5, 40])
@pytest.mark.parametrize("before", [0, 1])
@pytest.mark.parametrize("ended", [b"", b"\n"])
def test_a_writer_that_died_in_its_first_line_or_while_it_went_on_is_explained(
    tmp_path: Path, kept: int, before: int, ended: bytes
) -> None:
    path = tmp_path / "a"
    lines = written(path, every=1)
    path.write_bytes(b"".join(lines[:before]) + lines[before][:kept] + ended)
    head_of(path).unlink()
    AuditLog(path, KEY).close()
    assert verify(path, TRUST).problems == []


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    first = AuditLog(tmp_path / "a", KEY)
    with pytest.raises(InputError, match="another sensor"):
        AuditLog(tmp_path / "a", KEY)
    first.close()
    AuditLog(tmp_path / "a", KEY).close()
