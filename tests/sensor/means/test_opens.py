"""The gate: what a rule names cannot be opened by what is traced, whatever the file is called."""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from workbench.scorer import open_pack
from workbench.scorer.payload import decode_payload
from workbench.sensor.means.opens import Denied, Gate, Judge, candidates, root_of


def judge_of(make: Any, path: Path, **plan: Any) -> Judge:
    return Judge(decode_payload(open_pack(make.write_pack(path, **plan), [make.key.public_key()])))


def named(pattern: str) -> dict[str, Any]:
    rule = {"id": "r", "title": "r", "response": "block", "kinds": ["file/open"], "condition": 0, "risk": 95}
    return {"predicates": [["file.path", "regex", pattern, True]], "rules": [rule]}


@pytest.fixture
def judge(make: Any, tmp_path: Path) -> Judge:
    return judge_of(make, tmp_path / "p", plan=named("/secret"))


def test_only_blocking_rules_that_need_no_state_judge(make: Any, tmp_path: Path) -> None:
    assert judge_of(make, tmp_path / "p").rule("/x/canary").id == "canary"
    assert not judge_of(make, tmp_path / "p", response="alert")


def test_directories_that_hold_what_a_rule_names_are_found(judge: Judge, tmp_path: Path) -> None:
    for name in ("a/secret", "a/b/secret", "c/plain", "a/node_modules/secret"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = candidates(judge, [tmp_path])
    assert {(directory, name) for directory, names in found for name in names} == {
        (tmp_path / "a", "secret"),
        (tmp_path / "a" / "b", "secret"),
    }


@pytest.fixture
def held(judge: Judge, tmp_path: Path) -> Iterator[tuple[Path, list[Denied], set[int]]]:
    place, told, roots = tmp_path / "held", list[Denied](), set[int]()
    place.mkdir()
    gate = Gate(judge, lambda pid: root_of(pid, roots) != 0, lambda denied: not told.append(denied))
    gate.judge_by(judge, [place])
    gate.start()
    yield place, told, roots
    gate.end()


def read(path: bytes) -> bytes:
    return subprocess.run(["cat", path], capture_output=True, check=False).stdout


@pytest.mark.means("fanotify-permission")
@pytest.mark.parametrize("name", [b"secret", b"secret-\xff\xfe", b"secret\n\x1b[31m"])
def test_what_is_traced_cannot_open_it_and_others_can(held: Any, name: bytes) -> None:
    place, told, roots = held
    file = os.fsencode(place) + b"/" + name
    Path(os.fsdecode(file)).write_text("canary")
    assert read(file) == b"canary"
    roots.add(os.getpid())
    assert read(file) == b""
    assert [denied.rule.id for denied in told] == ["r"]
    (place / "plain").write_text("plain")
    assert read(os.fsencode(place / "plain")) == b"plain"
    roots.clear()


@pytest.mark.means("fanotify-permission")
def test_what_was_held_is_free_when_the_gate_ends(judge: Judge, tmp_path: Path) -> None:
    gate = Gate(judge, lambda pid: True, lambda denied: True)
    gate.judge_by(judge, [tmp_path])
    gate.start()
    (tmp_path / "secret").touch()
    assert subprocess.run(["cat", tmp_path / "secret"], check=False, stderr=subprocess.DEVNULL).returncode
    gate.end()
    assert subprocess.run(["cat", tmp_path / "secret"], check=False).returncode == 0


@pytest.mark.means("fanotify-permission")
def test_what_is_excepted_may_be_opened(judge: Judge, tmp_path: Path) -> None:
    gate = Gate(judge, lambda pid: True, lambda denied: False)
    gate.judge_by(judge, [tmp_path])
    gate.start()
    (tmp_path / "secret").write_text("canary")
    assert read(os.fsencode(tmp_path / "secret")) == b"canary"
    gate.end()


@pytest.mark.means("fanotify-permission")
def test_an_open_that_cannot_be_judged_is_let_through_told_and_no_end_of_the_gate(
    judge: Judge, tmp_path: Path
) -> None:
    def traced(pid: int) -> bool:
        raise RuntimeError("no /proc")

    gate = Gate(judge, traced, lambda denied: True)
    gate.judge_by(judge, [tmp_path])
    gate.start()
    (tmp_path / "secret").write_text("canary")
    assert [read(os.fsencode(tmp_path / "secret")) for _ in range(3)] == [b"canary"] * 3
    ((why, times),) = gate.faults()
    assert "no /proc" in why
    assert times == 3
    assert gate.faults() == []
    gate.end()
    assert gate.faults() == []


@pytest.mark.means("fanotify-permission")
def test_what_the_kernel_had_no_room_to_ask_about_is_told(judge: Judge) -> None:
    gate = Gate(judge, lambda pid: True, lambda denied: True)
    overflow = struct.pack("IBBHQii", 24, 3, 0, 24, 0x4000, -1, 0)  # struct fanotify_event_metadata
    gate._answer(overflow)
    gate.start()
    ((why, times),) = gate.faults()
    assert "full" in why
    assert times == 1
    gate.end()


@pytest.mark.parametrize(
    ("changed", "in_advance"),
    [
        ({}, True),
        ({"risk": 20}, False),
        ({"response": "alert"}, False),
        ({"condition": ["and", 0, ["not", 1]]}, False),
        ({"condition": ["and", 0, ["not", 2]]}, True),
    ],
    ids=["path", "no verdict would block", "alert", "needs state", "needs the program"],
)
def test_which_rules_decide_in_advance(
    make: Any, tmp_path: Path, changed: dict[str, Any], in_advance: bool
) -> None:
    plan = named("/secret")
    plan["predicates"] += [
        ["attribution.actor", "equals", "developer", False],
        ["process.name", "equals", "ssh", False],
    ]
    plan["rules"][0] |= changed
    judge = judge_of(make, tmp_path / "p", plan=plan)
    assert (judge.rule("/x/secret", "/bin/cat", "cat") is not None) == in_advance
