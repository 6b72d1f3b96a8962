"""Evidence bundles: one session's records, which a stranger can check, and in which a change shows."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from workbench.errors import InputError
from workbench.pack.keys import generate_key, public_pem
from workbench.sensor.audit import AuditLog
from workbench.sensor.bundle import export
from workbench.sensor.verify import verify

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


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
    event = {"@timestamp": 1_767_225_600_000_000_120, "event.id": "k7", "attribution.confidence": 0.9}
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


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_a_stranger_checks_a_bundle_without_the_workbench(bundle: Path) -> None:
    done = stranger_checks(bundle)
    assert (done.returncode, done.stdout) == (0, "checkpoints whose signature holds: 2\n"), done.stderr
    assert "other" not in (bundle / "chain.jsonl").read_text()
    readme = (bundle / "README.txt").read_text()
    assert "ab" * 32 in readme
    assert "python3 check.py" in readme


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("chain.jsonl", "Key sent out", "Key kept in"),
        ("events.jsonl", "0.9", "0.1"),
        ("events.jsonl", "00.000000120Z", "00.000000130Z"),
        ("findings.jsonl", "Key sent out", "Key kept in"),
        ("key.pub", "MCowBQYDK2VwAyEA", "MCowBQYDK2VwAyE"),
    ],
)
def test_a_stranger_sees_what_was_changed(bundle: Path, file: str, before: str, after: str) -> None:
    text = (bundle / file).read_text()
    assert before in text
    (bundle / file).write_text(text.replace(before, after, 1))
    assert stranger_checks(bundle).returncode == 1


def test_a_bundle_of_a_tampered_log_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    whole = written(path)
    path.write_bytes(b"".join(whole[1:]))
    public = tmp_path / "mine.pub"
    public.write_bytes(public_pem(KEY))
    with pytest.raises(InputError, match="tampered"):
        export(path, "s0", tmp_path / "out", [public])
