"""The example consumer: the pack's findings, nothing heavy loaded, state across restarts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from workbench.event import to_json
from workbench.pack import sign
from workbench.pack.build import encode_payload
from workbench.pack.keys import public_pem

EXAMPLE = Path(__file__).parents[2] / "examples" / "own-sensor" / "score_lines.py"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PLAN = {
    "predicates": [["file.name", "equals", "a", False], ["file.name", "equals", "b", False]],
    "rules": [
        {"id": "1", "title": "1", "silent": True, "condition": 0},
        {"id": "2", "title": "2", "silent": True, "condition": 1},
        {
            "id": "both",
            "title": "a, then b",
            "correlation": {
                "type": "temporal_ordered",
                "rules": [0, 1],
                "timespan": 10**12,
                "group": [["process.pid"], ["process.pid"]],
                "link": "group",
                "terms": [{"every": [0, 1], "none": []}],
            },
        },
    ],
}


@pytest.fixture
def pack(tmp_path: Path) -> list[str]:
    content = {"format": 1, "name": "t", "version": "1", "minimum_scorer": 1, "plan": PLAN, "registries": {}}
    (tmp_path / "t.pack").write_bytes(sign(encode_payload(content), KEY))
    (tmp_path / "t.pub").write_bytes(public_pem(KEY))
    return [str(tmp_path / "t.pack"), str(tmp_path / "t.pub")]


def event(name: str, at: int) -> bytes:
    told = {"@timestamp": at, "event.category": "file", "event.action": "open", "event.id": name}
    return to_json({**told, "file.name": name, "process.pid": 1}) + b"\n"


def run(arguments: list[str], lines: bytes, *python: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, *python, str(EXAMPLE), *arguments]
    return subprocess.run(command, input=lines, capture_output=True, check=False, timeout=30)


def test_findings_come_out_as_json_lines(pack: list[str]) -> None:
    done = run(pack, event("a", 1) + b"{broken\n" + event("b", 2))
    assert [json.loads(line)["rule_id"] for line in done.stdout.splitlines()] == ["both"]
    assert b"not an event" in done.stderr


def test_keys_that_are_not_known_are_counted_and_not_kept(pack: list[str]) -> None:
    lines = [event("a", 1)[:-2] + b',"k%d":1}\n' % number for number in range(50)]
    done = run(pack, b"".join(lines) + b"{broken\n")
    assert done.stderr.splitlines()[-1] == b"left out: 50 unknown fields, 1 line"


def test_a_sequence_goes_on_after_a_restart(pack: list[str]) -> None:
    assert run(pack, event("a", 1)).stdout == b""
    assert b'"both"' in run(pack, event("b", 2)).stdout


def test_an_untrusted_pack_is_refused_in_one_line(pack: list[str], tmp_path: Path) -> None:
    (tmp_path / "t.pub").write_bytes(public_pem(Ed25519PrivateKey.generate()))
    done = run(pack, b"")
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1


def test_it_loads_nothing_of_the_authors_tools(pack: list[str]) -> None:
    done = run(pack, event("a", 1), "-X", "importtime")
    assert done.returncode == 0
    loaded = {line.rpartition(b"|")[2].strip().decode() for line in done.stderr.splitlines()}
    assert "workbench.scorer" in loaded
    assert not {name.partition(".")[0] for name in loaded} & {
        "pandas",
        "pyarrow",
        "river",
        "sigma",
        "sklearn",
    }
    authoring = ("baseline", "dataset", "evaluate", "nb", "pack", "registry", "rule", "sensor")
    assert not loaded & {f"workbench.{package}" for package in authoring}
