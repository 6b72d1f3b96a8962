"""Exceptions hold within their scope and until their end, and say when they come and go."""

from __future__ import annotations

import os
from pathlib import Path
from textwrap import dedent

import pytest

import workbench.sensor.exceptions
from workbench.errors import InputError
from workbench.event import parse_timestamp
from workbench.sensor.exceptions import Exceptions, read

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
def test_scopes(tmp_path: Path, rule: str, more: str, directory: str, covered: bool) -> None:
    exceptions = Exceptions(written(tmp_path / "e.yml", rule, more))
    assert (exceptions.covers("r1", "s1", directory, BEFORE) is not None) == covered


def test_an_exception_ends_and_that_is_told_once(tmp_path: Path) -> None:
    exceptions = Exceptions(written(tmp_path / "e.yml"))
    assert exceptions.refresh(BEFORE) == []
    assert exceptions.covers("r1", "s1", "", AFTER) is None
    assert [kind for kind, _ in exceptions.refresh(AFTER)] == ["exception_expired"]
    assert exceptions.refresh(AFTER) == []


def test_a_changed_file_is_read_again_and_a_bad_one_is_not_taken(tmp_path: Path) -> None:
    path = written(tmp_path / "e.yml")
    exceptions = Exceptions(path)
    written(path, "r2")
    os.utime(path, ns=(1, 1))
    assert sorted(kind for kind, _ in exceptions.refresh(BEFORE)) == ["exception_added", "exception_removed"]
    path.write_text("- {rule: r1}")
    assert [kind for kind, _ in exceptions.refresh(BEFORE)] == ["exceptions_refused"]
    assert exceptions.covers("r2", "s1", "", BEFORE) is not None


SAFE = "- {rule: a, until: '2026-12-01T00:00:00Z', by: b, because: c}\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("- {rule: r1}", 1),
        ("{]", 1),
        ("rule: r1", 1),
        (f"{SAFE}- 1", 2),
        (f"{SAFE}- {{rule: a, until: never, by: b, because: c}}", 2),
        ("- rule: a\n  until: 2026-13-01T00:00:00Z\n  by: b\n  because: c", 1),
        ("- rule: a\n  until: 2026-12-01T00:00:00\n  by: b\n  because: c", 1),
        ("- rule: a\n  until: !!timestamp x\n  by: b\n  because: c", 1),
        (f"{SAFE}- rule: a\n  session:\n", 3),  # one without a scope would hold anywhere
        (f"{SAFE}- rule: a\n  session: ~\n", 3),
        (f"{SAFE}- rule: a\n  session: s1\n  session: s2\n", 4),
        (f"{SAFE}- [a]: b", 2),
        ("- rule: [a]", 1),
        ("[" * 3000, 1),
    ],
)
def test_a_malformed_file_is_refused_by_its_line(tmp_path: Path, text: str, line: int) -> None:
    path = written(tmp_path / "e.yml")
    running = Exceptions(path)
    path.write_text(text)
    with pytest.raises(InputError, match=rf"e\.yml:{line}:.*mend: "):
        Exceptions(path)
    assert [kind for kind, _ in running.refresh(BEFORE)] == ["exceptions_refused"]
    assert running.covers("r1", "s1", "", BEFORE) is not None


@pytest.mark.parametrize("data", [b"\xff", b"- rule: \x00"])
def test_what_is_no_text_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "e.yml").write_bytes(data)
    with pytest.raises(InputError, match=r"e\.yml"):
        Exceptions(tmp_path / "e.yml")


def test_a_file_may_hold_none(tmp_path: Path) -> None:
    (tmp_path / "e.yml").write_text("# none yet\n")
    assert read(tmp_path / "e.yml") == []


def documented() -> list[str]:
    """Give the examples of the module and of the page."""
    page = (Path(__file__).parents[2] / "docs" / "sensor.md").read_text()
    module = (workbench.sensor.exceptions.__doc__ or "").partition("\n\n")[2].partition("\n\n")[2]
    return [dedent(module), "- rule:" + page.partition("```yaml\n- rule:")[2].partition("```")[0]]


@pytest.mark.parametrize("example", documented())
def test_what_the_documentation_shows_is_taken(tmp_path: Path, example: str) -> None:
    (tmp_path / "e.yml").write_text(example)
    (found,) = read(tmp_path / "e.yml")
    assert (found.by, found.ends) == ("ada", parse_timestamp("2026-12-31T00:00:00Z"))
