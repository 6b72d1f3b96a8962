"""The gate: what a rule names cannot be opened by what is traced, whatever the file is called."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from workbench.errors import CaptureError
from workbench.scorer import open_pack
from workbench.scorer.payload import decode_payload
from workbench.sensor.gate import Gate, Judge, candidates, descends_from


def judge_of(make: Any, path: Path, **plan: Any) -> Judge:
    return Judge(decode_payload(open_pack(make.write_pack(path, **plan), [make.key.public_key()])))


def named(pattern: str) -> dict[str, Any]:
    rule = {"id": "r", "title": "r", "response": "block", "kinds": ["file/open"], "condition": 0}
    return {"predicates": [["file.path", "regex", pattern, True]], "rules": [rule]}


@pytest.fixture
def judge(make: Any, tmp_path: Path) -> Judge:
    return judge_of(make, tmp_path / "p", plan=named("/secret"))


def test_only_blocking_rules_that_need_no_state_judge(make: Any, tmp_path: Path) -> None:
    assert judge_of(make, tmp_path / "p").rule("/x/canary") == "canary"
    assert not judge_of(make, tmp_path / "p", response="alert")


def test_directories_that_hold_what_a_rule_names_are_found(judge: Judge, tmp_path: Path) -> None:
    for name in ("a/secret", "a/b/secret", "c/plain", "a/node_modules/secret"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert set(candidates(judge, [tmp_path])) == {tmp_path / "a", tmp_path / "a" / "b"}


@pytest.fixture
def held(judge: Judge, tmp_path: Path) -> Iterator[tuple[Path, list[Any], set[int]]]:
    place, told, roots = tmp_path / "held", [], set()
    place.mkdir()
    try:
        gate = Gate(
            judge,
            [place],
            lambda pid: descends_from(pid, roots),
            lambda *denial: told.append(denial),
        )
    except CaptureError as error:
        pytest.skip(str(error))
    gate.start()
    yield place, told, roots
    gate.end()


def read(path: bytes) -> bytes:
    return subprocess.run(["cat", path], capture_output=True, check=False).stdout


@pytest.mark.parametrize("name", [b"secret", b"secret-\xff\xfe", b"secret\n\x1b[31m"])
def test_what_is_traced_cannot_open_it_and_others_can(held: Any, name: bytes) -> None:
    place, told, roots = held
    file = os.fsencode(place) + b"/" + name
    Path(os.fsdecode(file)).write_text("canary")
    assert read(file) == b"canary"
    roots.add(os.getpid())
    assert read(file) == b""
    assert [rule for rule, *_ in told] == ["r"]
    (place / "plain").write_text("plain")
    assert read(os.fsencode(place / "plain")) == b"plain"
    roots.clear()


def test_what_was_held_is_free_when_the_gate_ends(judge: Judge, tmp_path: Path) -> None:
    try:
        gate = Gate(judge, [tmp_path], lambda pid: True, lambda *denial: None)
    except CaptureError as error:
        pytest.skip(str(error))
    gate.start()
    (tmp_path / "secret").touch()
    assert subprocess.run(["cat", tmp_path / "secret"], check=False, stderr=subprocess.DEVNULL).returncode
    gate.end()
    assert subprocess.run(["cat", tmp_path / "secret"], check=False).returncode == 0
