"""Exceptions hold within their scope and until their end, and say when they come and go."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from workbench.errors import InputError
from workbench.event import parse_timestamp
from workbench.sensor.exceptions import Exceptions

ONE = "- {{rule: {rule}, until: '2026-12-01T00:00:00Z', by: ada, because: known{more}}}\n"
BEFORE = parse_timestamp("2026-11-30T23:59:59Z")
AFTER = parse_timestamp("2026-12-01T00:00:00Z")


def written(path: Path, rule: str = "r1", more: str = "") -> Path:
    path.write_text(ONE.format(rule=rule, more=more))
    return path


@pytest.mark.parametrize(
    ("rule", "more", "directory", "covered"),
    [
        ("r1", "", "", True),
        ("'*'", "", "", True),
        ("r2", "", "", False),
        ("r1", ", session: s1", "", True),
        ("r1", ", session: s2", "", False),
        ("r1", ", repository: /src/shop", "/src/shop/lib", True),
        ("r1", ", repository: /src/shop", "/src/shop-evil", False),
        ("r1", ", repository: /src/shop", "", False),
    ],
)
def test_scopes(make: Any, tmp_path: Path, rule: str, more: str, directory: str, covered: bool) -> None:
    exceptions = Exceptions(written(tmp_path / "e.yml", rule, more))
    assert (exceptions.covers(make.finding(), directory, BEFORE) is not None) == covered


def test_an_exception_ends_and_that_is_told_once(make: Any, tmp_path: Path) -> None:
    exceptions = Exceptions(written(tmp_path / "e.yml"))
    assert exceptions.refresh(BEFORE) == []
    assert exceptions.covers(make.finding(), "", AFTER) is None
    assert [kind for kind, _ in exceptions.refresh(AFTER)] == ["exception_expired"]
    assert exceptions.refresh(AFTER) == []


def test_a_changed_file_is_read_again_and_a_bad_one_is_not_taken(make: Any, tmp_path: Path) -> None:
    path = written(tmp_path / "e.yml")
    exceptions = Exceptions(path)
    written(path, "r2")
    os.utime(path, ns=(1, 1))
    assert sorted(kind for kind, _ in exceptions.refresh(BEFORE)) == ["exception_added", "exception_removed"]
    path.write_text("- {rule: r1}")
    assert [kind for kind, _ in exceptions.refresh(BEFORE)] == ["exceptions_refused"]
    assert exceptions.covers(make.finding(rule_id="r2"), "", BEFORE) is not None


@pytest.mark.parametrize("text", ["- {rule: r1}", "{", "- 1", "- {rule: a, until: never, by: b, because: c}"])
def test_a_malformed_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "e.yml").write_text(text)
    with pytest.raises(InputError, match=r"e\.yml"):
        Exceptions(tmp_path / "e.yml")
