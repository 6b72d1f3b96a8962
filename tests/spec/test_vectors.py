"""The semantics, as data: every case of every file here must hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.rule.vectors import Case, read_cases, run_case

CASES = [
    pytest.param(case, id=f"{file.stem}: {case.name}")
    for file in sorted(Path(__file__).parent.glob("*.toml"))
    for case in read_cases(file)
]


@pytest.mark.parametrize("case", CASES)
def test_vector(case: Case) -> None:
    assert run_case(case) == []


def test_there_are_enough() -> None:
    assert len(CASES) >= 300


def test_names_are_unique() -> None:
    names = [case.id for case in CASES]
    assert len(names) == len(set(names))
