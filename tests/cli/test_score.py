"""`workbench score`: a file is taken whole or not at all; a stream goes on behind what is no event."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from workbench.cli import run

RULE = """title: Key read
id: 0b6a3e7e-1a7e-4f1e-9e7e-000000000001
logsource: {category: file_access, product: linux}
detection: {key: {TargetFilename|endswith: /id_rsa}, condition: key}
level: high
"""
READ = (
    '{"@timestamp": %d, "event.category": "file", "event.action": "open", "event.id": "e%d",'
    ' "process.pid": 1, "file.path": "/home/a/.ssh/id_rsa"}'
)
LINES = f"{READ % (1, 1)}\nno event\n{READ % (2, 2)}\n[]\n".encode()


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "r.yml").write_text(RULE)
    assert run(["pack", "keygen", "--out", f"{tmp_path}/k"]) == 0
    built = tmp_path / "r.pack"
    assert run(["pack", "build", f"{tmp_path}/r.yml", "--out", str(built), "--key", f"{tmp_path}/k"]) == 0
    return built


def scored(pack: Path, events: Path | str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "workbench", "score", str(pack), str(events), "--format", "text"]
    return subprocess.run(command, input=given, capture_output=True, check=False)


def test_a_stream_goes_on_behind_what_is_no_event_and_that_is_told(pack: Path) -> None:
    done = scored(pack, "-", LINES)
    assert done.stdout.count(b"Key read") == 2
    assert [line.split(b": ")[1] for line in done.stderr.splitlines()[:2]] == [b"-:2", b"-:4"]
    assert done.returncode == 2


def test_a_file_with_what_is_no_event_is_refused_with_all_its_faults(pack: Path) -> None:
    file = pack.with_name("events.jsonl")
    file.write_bytes(LINES)
    done = scored(pack, file)
    assert done.stdout == b""
    assert b"events.jsonl:2: not an event" in done.stderr
    assert b"events.jsonl:4: not an event" in done.stderr
    assert done.returncode == 2
