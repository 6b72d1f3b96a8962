"""A pack's patterns are refused at load when they could make a text cost more than its length."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from workbench.errors import PackError, Place
from workbench.scorer import Scorer
from workbench.scorer.payload import FORMAT, SCORER, Payload
from workbench.scorer.plan import decode_plan
from workbench.scorer.text import MOST_INSTRUCTIONS


def load(op: str, value: Any) -> Scorer:
    """Load a pack of one rule that no author's tool has looked at."""
    plan = decode_plan(
        {
            "predicates": [["process.command_line", op, value]],
            "rules": [{"id": "a", "title": "A", "kinds": ["process/exec"], "condition": 0}],
        }
    )
    payload = Payload(format=FORMAT, name="n", version="1", minimum_scorer=SCORER, plan=plan)
    return Scorer.of(payload, Path("own.pack"))


@pytest.mark.parametrize(
    ("op", "value"),
    [
        ("regex", "(?:[ab][cd][ef]){999}(?:[gh][ij]){999}(?:[kl][mn][op][qr][st]){999}(?:[uv]){999}"),
        ("contains", "a" * (MOST_INSTRUCTIONS + 1)),
        ("like", [0, "a" * MOST_INSTRUCTIONS, 0, "b"]),
    ],
)
def test_a_pattern_of_more_instructions_than_allowed_is_refused(op: str, value: Any) -> None:
    with pytest.raises(PackError, match="too large") as caught:
        load(op, value)
    assert (caught.value.place, caught.value.mend) == (Place("own.pack"), "split the rule")


def test_the_largest_pattern_that_is_allowed_still_matches() -> None:
    text = "".join(f"{number:x}." for number in range(2_000))[: MOST_INSTRUCTIONS - 50]
    event = {"@timestamp": 1, "event.category": "process", "event.action": "exec"}
    found = load("contains", text).score({**event, "process.command_line": f"x{text}x"})
    assert [finding.rule_id for finding in found] == ["a"]


@pytest.mark.parametrize("value", ["(a", "(?=a)", "a{5000}"])
def test_a_pattern_that_re2_cannot_take_is_refused(value: str) -> None:
    with pytest.raises(PackError, match="RE2 cannot take the pattern") as caught:
        load("regex", value)
    assert caught.value.place == Place("own.pack")
