"""The pack in force: replaced whole with its state, or kept; a bad one never stops the running one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from workbench.errors import InputError, PackError
from workbench.sensor.packs import Packs, Terms, read_revoked

SEQUENCE = {
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


def event(name: str, at: int) -> dict[str, Any]:
    return {
        "@timestamp": at,
        "event.category": "file",
        "event.action": "open",
        "event.id": name,
        "file.name": name,
        "process.pid": 1,
    }


def opened(make: Any, path: Path, terms: Terms | None = None) -> Packs:
    return Packs(path, [make.key.public_key()], terms)


def kinds(records: list[tuple[str, Any]]) -> list[str]:
    return [kind for kind, _ in records]


def test_a_sequence_begun_under_one_version_completes_under_the_next(make: Any, tmp_path: Path) -> None:
    path = make.write_pack(tmp_path / "p", "1", plan=SEQUENCE)
    packs = opened(make, path)
    packs.scorer.score(event("a", 1))
    make.write_pack(path, "2", plan=SEQUENCE)
    assert kinds(packs.refresh()) == ["pack_loaded"]
    assert packs.scorer.payload.version == "2"
    assert [finding.rule_id for finding in packs.scorer.score(event("b", 2))] == ["both"]


def test_an_unchanged_pack_is_left_alone(make: Any, tmp_path: Path) -> None:
    path = make.write_pack(tmp_path / "p")
    packs = opened(make, path)
    before = packs.scorer
    os.utime(path)
    assert packs.refresh() == []
    assert packs.scorer is before


@pytest.mark.parametrize(
    ("spoil", "because"),
    [
        (lambda make, path: path.write_bytes(path.read_bytes()[:-40]), "cut short"),
        (lambda make, path: path.unlink(), "cannot be read"),
        (lambda make, path: make.write_pack(path, "2", expires=1), "expired"),
        (lambda make, path: make.write_pack(path, "2", minimum_scorer=99), "needs scorer"),
        (
            lambda make, path: make.write_pack(
                path, "2", evidence={"vectors": [{"events": [], "findings": ["x"]}]}
            ),
            "self-test",
        ),
        (lambda make, path: make.write_pack(path, "2", evidence={"vectors": [{"name": 1}]}), "self-test"),
        (lambda make, path: make.write_pack(path, "0.9"), "older than the minimum"),
    ],
)
def test_a_bad_pack_is_refused_and_the_running_one_stays(
    make: Any, tmp_path: Path, spoil: Any, because: str
) -> None:
    path = make.write_pack(tmp_path / "p", "1")
    packs = opened(make, path, Terms(minimum="1"))
    before = packs.scorer
    spoil(make, path)
    ((kind, told),) = packs.refresh()
    assert kind == "pack_refused"
    assert because in told["because"]
    assert packs.scorer is before
    assert packs.refresh() == []


def test_a_pack_whose_plan_says_something_else_than_its_tests_is_refused(make: Any, tmp_path: Path) -> None:
    """As when a rule was lowered wrongly, or this scorer means something else by the plan."""
    told = [{**event(name, at), "@timestamp": f"2026-01-01T00:00:0{at}Z"} for at, name in enumerate("ab")]
    evidence = {"vectors": [{"name": "a, then b", "events": told, "findings": ["both"]}]}
    path = make.write_pack(tmp_path / "p", "1", plan=SEQUENCE, evidence=evidence)
    packs = opened(make, path)
    other = {**SEQUENCE, "predicates": [SEQUENCE["predicates"][0], ["file.name", "equals", "c", False]]}
    make.write_pack(path, "2", plan=other, evidence=evidence)
    ((kind, refused),) = packs.refresh()
    assert kind == "pack_refused"
    assert "self-test: vector a, then b: fires [], not ['both']" in refused["because"]
    assert packs.scorer.payload.version == "1"


def test_pinned_and_revoked_packs(make: Any, tmp_path: Path) -> None:
    path = make.write_pack(tmp_path / "p", "1")
    digest = opened(make, path).digest
    with pytest.raises(PackError, match="pinned"):
        opened(make, path, Terms(pinned="2"))
    with pytest.raises(PackError, match="revoked"):
        opened(make, path, Terms(revoked=frozenset({digest})))


@pytest.mark.parametrize(("text", "because"), [(None, "cannot be read"), (f"{'a' * 64}\nb\n", "line 2")])
def test_a_revocation_list_that_cannot_be_meant_is_refused(
    tmp_path: Path, text: str | None, because: str
) -> None:
    if text is not None:
        (tmp_path / "revoked").write_text(text)
    with pytest.raises(InputError, match=because):
        read_revoked(tmp_path / "revoked")


def test_a_new_version_waits_on_hosts_outside_its_roll_out(make: Any, tmp_path: Path) -> None:
    path = make.write_pack(tmp_path / "p", "1")
    packs = opened(make, path, Terms(rollout=0))
    make.write_pack(path, "2")
    assert kinds(packs.refresh()) == ["pack_waits"]
    assert packs.scorer.payload.version == "1"


def test_a_roll_out_takes_about_its_share_of_hosts(make: Any, tmp_path: Path) -> None:
    payload = opened(make, make.write_pack(tmp_path / "p")).scorer.payload
    taking = sum(Terms(rollout=30).takes_part(payload, f"host{number}") for number in range(1000))
    assert 250 < taking < 350


@pytest.mark.parametrize(
    ("version", "minimum", "runs"),
    [
        ("1.10", "1.9", True),
        ("1.9", "1.10", False),
        ("1.0", "1.0.0", True),
        ("1.0.0-rc1", "1.0.0", False),
        ("1.0.0", "1.0.0-rc1", True),
        ("nightly", "1", False),
    ],
)
def test_no_older_version_than_the_minimum_runs(
    make: Any, tmp_path: Path, version: str, minimum: str, runs: bool
) -> None:
    path = make.write_pack(tmp_path / "p", version)
    if runs:
        opened(make, path, Terms(minimum=minimum))
    else:
        with pytest.raises(PackError, match=f"version {version} is .*the minimum {minimum}"):
            opened(make, path, Terms(minimum=minimum))


def test_a_minimum_that_is_no_version_is_refused() -> None:
    with pytest.raises(InputError, match="--minimum 'latest' is no version"):
        Terms(minimum="latest")
