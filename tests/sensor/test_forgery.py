"""Evidence that was forged, by whoever can write it: found by both checks, and never a traceback."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import InputError
from workbench.pack.keys import public_pem
from workbench.sensor import check_bundle
from workbench.sensor.audit import AuditLog, chained, content_of, head_of, link
from workbench.sensor.bundle import export
from workbench.sensor.verify import verify

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
EVENTS = [
    {"@timestamp": 1_767_225_600_000_000_120 + n, "event.id": f"k{n}", "user.id": "7"} for n in range(2)
]
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
Edit = Callable[[list[bytes]], list[bytes]]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of two sessions, its key, and the bundle of one of them."""
    place = tmp_path_factory.mktemp("evidence")
    (place / "key.pub").write_bytes(public_pem(KEY))
    log = AuditLog(place / "a", KEY, every=3)
    log.append("sensor_start", {"pack": {"name": "p", "version": "1", "payload_sha256": "ab" * 32}})
    for number, event in enumerate(EVENTS):
        log.append("finding", {"uid": f"u{number}", "title": "Key sent", "evidence": [event]}, "s0")
        log.append("finding", {"uid": f"o{number}", "title": "Other", "evidence": [event]}, "s1")
    log.close()
    export(place / "a", "s0", place / "bundle", [place / "key.pub"])
    return place


@pytest.fixture
def place(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "evidence"))


def edited(file: Path, edit: Edit) -> None:
    file.write_bytes(b"".join(line + b"\n" for line in edit(file.read_bytes().splitlines())))


def a_second_body(lines: list[bytes]) -> list[bytes]:
    """Let what follows the chain value win, for who reads the whole line."""
    forged = b',"body":{"uid":"u0","title":"Nothing happened","evidence":[]}}'
    return [line[:-1] + forged if b'"uid":"u0"' in line else line for line in lines]


def from_its_first_checkpoint(lines: list[bytes]) -> list[bytes]:
    """Cut the beginning away, where a checkpoint may begin a log whose records were deleted by a policy."""
    return lines[next(n for n, line in enumerate(lines) if b'"kind":"checkpoint"' in line) :]


@pytest.mark.parametrize("edit", [a_second_body, from_its_first_checkpoint])
@needs_openssl
def test_a_forged_chain_convinces_neither_check(place: Path, edit: Edit) -> None:
    bundle = place / "bundle"
    assert check_bundle.check(bundle) == ([], 2)
    edited(bundle / "chain.jsonl", edit)
    assert verify(bundle / "chain.jsonl", [place / "key.pub"]).problems
    assert check_bundle.check(bundle)[0]


@pytest.mark.parametrize(
    ("file", "edit"),
    [
        ("events.jsonl", lambda lines: [b'{"event.id":"k0"}', *lines[1:]]),
        ("events.jsonl", lambda lines: lines[1:]),
        ("findings.jsonl", lambda lines: lines[1:]),
        ("findings.jsonl", lambda lines: [b'{"uid":"u0"}', *lines[1:]]),
        ("findings.jsonl", lambda lines: [*lines, b'{"uid":"u9","title":"Added"}']),
        ("findings.jsonl", lambda lines: [lines[0][:-1] + b',"title":"Nothing"}', *lines[1:]]),
        ("findings.jsonl", lambda lines: [b"[]", b"{", *lines]),
    ],
)
@needs_openssl
def test_copies_are_all_that_the_chain_holds_and_nothing_else(place: Path, file: str, edit: Edit) -> None:
    edited(place / "bundle" / file, edit)
    (fault, *_) = check_bundle.check(place / "bundle")[0]
    assert fault.startswith(file)


def rewritten(lines: list[bytes], change: Callable[[dict[str, Any]], None], number: int) -> list[bytes]:
    """Change a record and compute the chain anew, as who has the file but not the key can."""
    chain, forged = bytes(32), []
    for place, line in enumerate(lines):
        record = msgspec.json.decode(content_of(line)[0])
        if place == number:
            change(record)
        content = json.dumps(record, separators=(",", ":")).encode()
        chain = link(chain, sha256(content).digest())
        forged.append(chained(content, chain))
    return forged


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=70),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
MALFORMED = [
    ("signs", "z" * 64),
    ("key", [1]),
    ("signature", "ab"),
    ("sequence", 2**64),
    ("sequence", -1),
    ("body", None),
    ("kind", 7),
]


def put(record: dict[str, Any], name: str, value: object) -> None:
    (record["body"] if name in record["body"] else record)[name] = value


@pytest.mark.parametrize(("name", "value"), MALFORMED)
@pytest.mark.parametrize("number", [0, 3, 6])
@needs_openssl
def test_a_malformed_record_is_a_fault_of_its_line(
    place: Path, name: str, value: object, number: int
) -> None:
    edited(place / "a", lambda lines: rewritten(lines, lambda record: put(record, name, value), number))
    assert verify(place / "a", [place / "key.pub"]).problems
    shutil.copy(place / "a", place / "bundle" / "chain.jsonl")
    assert check_bundle.check(place / "bundle")[0]


@given(
    name=st.sampled_from(
        ["sequence", "time", "kind", "body", "session", "evidence", "uid", "signs", "signature"]
    ),
    value=VALUES,
    number=st.integers(0, 8),
    first=st.booleans(),
)
def test_whatever_a_record_says_is_told_in_words(
    written: Path,
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    value: object,
    number: int,
    first: bool,
) -> None:
    place = tmp_path_factory.mktemp("forged")
    shutil.copytree(written / "bundle", place / "bundle")
    lines = (written / "a").read_bytes().splitlines()
    forged = rewritten(lines, lambda record: put(record, name, value), number)[number if first else 0 :]
    for file in (place / "a", place / "bundle" / "chain.jsonl"):
        file.write_bytes(b"".join(line + b"\n" for line in forged))
    verify(place / "a", [written / "key.pub"])
    (place / "bundle" / "key.pub").unlink()  # so that openssl, which is slow, is not asked
    assert check_bundle.check(place / "bundle")[0]


@pytest.mark.parametrize(
    "head", [b"", b"[]", b'{"sequence":-1}', b'{"key":[1]}', b"[" * 5_000, b'{"sequence":1,"key":"\xff"}']
)
def test_a_head_that_is_none_is_a_problem(place: Path, head: bytes) -> None:
    head_of(place / "a").write_bytes(head)
    assert verify(place / "a", [place / "key.pub"]).problems


def test_a_bundle_is_made_of_a_bundles_chain(place: Path) -> None:
    chain = place / "bundle" / "chain.jsonl"
    assert export(chain, "s0", place / "again", [place / "key.pub"]) == 2
    assert (place / "again" / "chain.jsonl").read_bytes() == chain.read_bytes()


@pytest.mark.parametrize("body", [{"text": "half \ud800"}, {"at": object()}])
def test_what_cannot_be_written_is_told_and_holds_up_nothing(tmp_path: Path, body: dict[str, Any]) -> None:
    log = AuditLog(tmp_path / "a", KEY)
    assert log.append("finding", body, "s\ud800")
    assert log.append("finding", {"uid": "u1"}, "s0")
    log.close()
    records = [msgspec.json.decode(line) for line in (tmp_path / "a").read_bytes().splitlines()]
    assert [record["kind"] for record in records] == ["gap", "finding", "checkpoint"]
    assert records[0]["body"]["record"] == "finding"
    assert verify(tmp_path / "a", [KEY.public_key()]).whole


def test_a_very_long_record_says_what_it_leaves_out_and_the_log_goes_on(tmp_path: Path) -> None:
    path, event = tmp_path / "a", {"event.id": "k1", "process.command_line": "x" * (9 << 20)}
    log = AuditLog(path, KEY)
    log.append("finding", {"uid": "u1", "evidence": [event]}, "s0")
    log.append("note", event)
    log.close()
    again = AuditLog(path, KEY)
    assert again.before.sequence == 3
    again.close()
    records = [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]
    assert records[0]["body"] == {"uid": "u1", "evidence": [], "evidence_not_kept": 1}
    assert records[1]["kind"] == "gap"
    assert verify(path, [KEY.public_key()]).whole


def test_a_file_that_is_no_log_is_not_gone_on_with(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("notes\nof something else\n")
    with pytest.raises(InputError, match="does not end in a record"):
        AuditLog(tmp_path / "a", KEY)
