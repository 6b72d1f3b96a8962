"""Evidence bundles: one session's records, which a stranger can check, and in which a change shows."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from workbench.errors import InputError
from workbench.event import TIMESTAMPS
from workbench.pack.keys import generate_key, public_pem
from workbench.sensor import check_bundle
from workbench.sensor.audit import START, AuditLog, chained, content_of, link
from workbench.sensor.bundle import export
from workbench.sensor.retention import delete_before
from workbench.sensor.verify import verify

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


def written(path: Path) -> list[bytes]:
    log = AuditLog(path, KEY, every=5)
    log.append("sensor_start", {})
    for number in range(20):
        log.append("finding", {"uid": f"u{number}", "number": number}, session=f"s{number % 2}")
    log.append("sensor_stop", {})
    log.close()
    return path.read_bytes().splitlines(keepends=True)


def test_a_bundle_holds_one_session_and_verifies_by_itself(tmp_path: Path) -> None:
    key = tmp_path / "k"
    generate_key(key)
    path = tmp_path / "a"
    written(path)
    public = tmp_path / "mine.pub"
    public.write_bytes(public_pem(KEY))
    assert export(path, "s0", tmp_path / "out", [public]) == 10
    report = verify(tmp_path / "out" / "chain.jsonl", [tmp_path / "out" / "key.pub"])
    assert (report.problems, report.omitted) == ([], 10)
    told = [
        msgspec.json.decode(line) for line in (tmp_path / "out" / "chain.jsonl").read_bytes().splitlines()
    ]
    assert {record["session"] for record in told if "session" in record} == {"s0"}


def test_a_bundle_of_a_bundle_is_the_same_evidence(bundle: Path) -> None:
    again = bundle.with_name("again")
    assert export(bundle / "chain.jsonl", "s0", again, [bundle / "key.pub", bundle / "key1.pub"]) == 2
    for name in ("chain.jsonl", "events.jsonl", "findings.jsonl", "README.txt"):
        assert (again / name).read_bytes() == (bundle / name).read_bytes()


@needs_openssl
def test_a_bundle_ends_with_what_is_signed(bundle: Path) -> None:
    """A log that is being written ends with records that are not signed yet, or that anyone has chained."""
    path = bundle.with_name("a")
    content, chain = content_of(path.read_bytes().splitlines()[-1])
    sequence = msgspec.json.decode(content)["sequence"] + 1
    told = {"sequence": sequence, "kind": "finding", "session": "s0", "body": 7}
    forged = chained_anew([chained(msgspec.json.encode(told), chain)], chain)
    with path.open("ab") as log:
        log.write(forged[0] + b"\n")
    out = bundle.with_name("running")
    assert export(path, "s0", out, [bundle / "key.pub", bundle / "key1.pub"]) == 2
    assert stranger_checks(out).returncode == 0


def test_a_session_is_named_by_the_beginning_of_its_id_when_that_is_one(bundle: Path) -> None:
    log, keys = bundle.with_name("a"), [bundle.with_name(f"{number}.pub") for number in range(2)]
    assert export(log, "oth", bundle.with_name("more"), keys) == 2
    assert b'"s0"' not in (bundle.with_name("more") / "findings.jsonl").read_bytes()
    for beginning, told in (("x", "holds nothing of session x"), ("", "2 sessions begin with ''")):
        with pytest.raises(InputError, match=told):
            export(log, beginning, bundle.with_name("none"), keys)
    assert not bundle.with_name("none").exists()


@pytest.fixture
def bundle(make: Any, tmp_path: Path) -> Path:
    """What a stranger is given: two sessions were logged, one is shown, by a key that was changed once."""
    path, keys = tmp_path / "a", [KEY, Ed25519PrivateKey.from_private_bytes(b"2" * 32)]
    event: dict[str, Any] = {"@timestamp": 1_767_225_600_000_000_120, "event.id": "k7", "process.pid": 7}
    event["attribution.confidence"] = 0.9
    trust = [tmp_path / f"{number}.pub" for number in range(2)]
    for key, public in zip(keys, trust, strict=True):
        public.write_bytes(public_pem(key))
        log = AuditLog(path, key)
        log.append("sensor_start", {"pack": {"name": "p", "version": "1", "payload_sha256": "ab" * 32}})
        for session in ("s0", "other"):
            told = {"uid": f"u-{session}", "finding": make.finding(session=session), "evidence": [event]}
            log.append("finding", told, session)
        log.close()
    assert export(path, "s0", tmp_path / "out", trust) == 2
    return tmp_path / "out"


def stranger_checks(bundle: Path) -> subprocess.CompletedProcess[str]:
    """Another Python, nothing of ours to import."""
    command = ["/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable, "-I", "check.py"]
    return subprocess.run(command, cwd=bundle, capture_output=True, text=True, check=False)


def assert_refused(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 1
    assert "changed: " in done.stdout
    assert done.stderr == ""


@needs_openssl
def test_a_stranger_checks_a_bundle_without_the_workbench(bundle: Path) -> None:
    done = stranger_checks(bundle)
    assert (done.returncode, done.stdout) == (0, "checkpoints whose signature holds: 2\n"), done.stderr
    assert "other" not in (bundle / "chain.jsonl").read_text()
    readme = (bundle / "README.txt").read_text()
    assert "ab" * 32 in readme
    assert "python3 check.py" in readme


@needs_openssl
@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("chain.jsonl", "Key sent out", "Key kept in"),
        ("events.jsonl", "0.9", "0.1"),
        ("events.jsonl", "00.000000120Z", "00.000000130Z"),
        ("events.jsonl", ',"process.pid":7', ""),
        ("events.jsonl", '"process.pid":7', '"process.pid":7.0'),
        ("events.jsonl", '"process.pid":7', '"process.pid":8,"process.pid":7'),
        ("events.jsonl", '"process.pid":7', '"process.pid":7,"process.name":"curl"'),
        ("events.jsonl", "{", "[{"),
        ("events.jsonl", "\n", "\n{}\n"),
        ("findings.jsonl", "Key sent out", "Key kept in"),
        ("findings.jsonl", '"uid":"u-s0",', ""),
        ("key.pub", "MCowBQYDK2VwAyEA", "MCowBQYDK2VwAyE"),
    ],
)
def test_a_stranger_sees_what_was_changed(bundle: Path, file: str, before: str, after: str) -> None:
    text = (bundle / file).read_text()
    assert before in text
    (bundle / file).write_text(text.replace(before, after, 1))
    assert_refused(stranger_checks(bundle))


@needs_openssl
@pytest.mark.parametrize("file", ["chain.jsonl", "events.jsonl", "findings.jsonl"])
def test_a_stranger_sees_what_was_emptied_or_removed(bundle: Path, file: str) -> None:
    (bundle / file).write_bytes(b"")
    assert_refused(stranger_checks(bundle))
    (bundle / file).unlink()
    assert_refused(stranger_checks(bundle))


def test_the_check_knows_the_times_that_events_have() -> None:
    assert check_bundle.TIMES == TIMESTAMPS


def chained_anew(lines: list[bytes], chain: bytes) -> list[bytes]:
    forged = []
    for line in lines:
        content = content_of(line)[0]
        chain = link(chain, sha256(content).digest())
        forged.append(chained(content, chain))
    return forged


def at(lines: list[bytes], kind: bytes) -> int:
    return next(n for n, line in enumerate(lines) if n and b'"kind":"%b"' % kind in line)


def forge_after_the_chain(lines: list[bytes]) -> list[bytes]:
    """What the chain covers is left as it was; a reader that takes the last of two keys sees another body."""
    place = at(lines, b"finding")
    lines[place] = lines[place][:-1] + b',"body":{"uid":"u-s0"}}'
    return lines


def forge_before_the_chain(lines: list[bytes]) -> list[bytes]:
    place = at(lines, b"finding")
    lines[place] = lines[place].replace(b',"chain"', b',"body":{"uid":"u-s0"},"chain"')
    return lines


def chain_in_capitals(lines: list[bytes]) -> list[bytes]:
    lines[0] = lines[0][:-66] + lines[0][-66:].upper()
    return lines


def cut_the_beginning(lines: list[bytes]) -> list[bytes]:
    return lines[at(lines, b"checkpoint") :]


def cut_the_beginning_with_an_excuse(lines: list[bytes]) -> list[bytes]:
    """Anyone can chain a record, and none but the sensor can sign it."""
    lines = cut_the_beginning(lines)
    last, chain = content_of(lines[-1])
    sequence = msgspec.json.decode(last)["sequence"] + 1
    told = {"sequence": sequence, "time": "", "kind": "retention", "body": {"deleted_to": sequence}}
    return [*lines, *chained_anew([chained(msgspec.json.encode(told), chain)], chain)]


def remove_one(lines: list[bytes]) -> list[bytes]:
    del lines[1]
    return lines


def repeat_one(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], *lines[1:]]


def leave_out_another(lines: list[bytes]) -> list[bytes]:
    lines[1] = msgspec.json.encode({"omitted": "ab" * 32})
    return lines


def tell_more_of_what_is_left_out(lines: list[bytes]) -> list[bytes]:
    place = next(n for n, line in enumerate(lines) if b"omitted" in line)
    lines[place] = lines[place][:-1] + b',"kind":"finding","body":{"uid":"u-s0"}}'
    return lines


def chain_it_anew(lines: list[bytes]) -> list[bytes]:
    whole = [line for line in lines if b"omitted" not in line]
    return chained_anew([line.replace(b"Key sent out", b"Key kept in") for line in whole], START)


def put_an_empty_line_in(lines: list[bytes]) -> list[bytes]:
    return [lines[0], b"", *lines[1:]]


FORGERIES = [
    forge_after_the_chain,
    forge_before_the_chain,
    chain_in_capitals,
    cut_the_beginning,
    cut_the_beginning_with_an_excuse,
    remove_one,
    repeat_one,
    leave_out_another,
    tell_more_of_what_is_left_out,
    chain_it_anew,
    put_an_empty_line_in,
]


@pytest.mark.parametrize("forge", FORGERIES)
@pytest.mark.parametrize("checker", ["check.py", "audit verify"])
def test_both_checks_refuse_a_forged_chain(
    bundle: Path, checker: str, forge: Callable[[list[bytes]], list[bytes]]
) -> None:
    chain = bundle / "chain.jsonl"
    forged = forge(chain.read_bytes().splitlines())
    chain.write_bytes(b"".join(line + b"\n" for line in forged))
    if checker == "audit verify":
        assert not verify(chain, [bundle / "key.pub", bundle / "key1.pub"]).whole
    elif shutil.which("openssl"):
        assert_refused(stranger_checks(bundle))


@needs_openssl
def test_a_stranger_is_told_only_what_the_chain_covers(bundle: Path) -> None:
    chain = bundle / "chain.jsonl"
    forged = forge_after_the_chain(chain.read_bytes().splitlines())
    chain.write_bytes(b"".join(line + b"\n" for line in forged))
    (bundle / "findings.jsonl").write_text('{"uid":"u-s0"}\n')
    (bundle / "events.jsonl").write_bytes(b"")
    assert_refused(stranger_checks(bundle))


@needs_openssl
def test_a_stranger_takes_a_bundle_whose_log_was_kept_short(bundle: Path) -> None:
    path, public = bundle.with_name("a"), [bundle.with_name(f"{number}.pub") for number in range(2)]
    log = AuditLog(path, KEY)
    assert delete_before(log, time.time_ns())
    log.append("finding", {"uid": "u9"}, session="s9")
    log.close()
    export(path, "s9", bundle.with_name("short"), public)
    done = stranger_checks(bundle.with_name("short"))
    assert done.returncode == 0, done


def test_a_bundle_of_a_tampered_log_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    whole = written(path)
    path.write_bytes(b"".join(whole[1:]))
    public = tmp_path / "mine.pub"
    public.write_bytes(public_pem(KEY))
    with pytest.raises(InputError, match="tampered"):
        export(path, "s0", tmp_path / "out", [public])
