from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from workbench.pack import build_payload
from workbench.rule import RuleSet, load
from workbench.scorer import Scorer

RULES = Path(__file__).parents[2] / "rules"


@cache
def _rules() -> RuleSet:
    return load([RULES])


@cache
def _scorer() -> Scorer:
    return Scorer.from_payload(build_payload(_rules(), "agent-runtime", "0.0.1"))


@pytest.fixture(scope="session")
def rules() -> RuleSet:
    return _rules()


@pytest.fixture
def scorer() -> Scorer:
    return _scorer().anew()
