"""The reason of a finding: the rule's condition in as few words as tell it."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.scorer.plan import Plan, Predicate
from workbench.scorer.reason import describe_condition

IS_A, IS_B = Predicate("f", "equals", "a"), Predicate("f", "equals", "b")
CASED = Predicate("f", "equals", "a", cased=True)
HAS_X, HAS_Y = Predicate("g", "contains", "x"), Predicate("g", "contains", "y")
MORE = Predicate("n", "gt", 1)
KEYWORDS = Predicate("", "contains", "k"), Predicate("", "contains", "l")
TABLE = (IS_A, IS_B, CASED, HAS_X, HAS_Y, MORE, *KEYWORDS)
PLAN = Plan(TABLE, ())


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (0, "f is 'a'"),
        (["or", 0, 1], "f is one of 'a', 'b'"),
        (["or", 0, 3, 1], "f is one of 'a', 'b' or g contains 'x'"),
        (["or", 0, 2], "f is 'a' or f is 'a'"),
        (["and", 3, 4], "g contains all of 'x', 'y'"),
        (["and", ["or", 0, 1], 5], "f is one of 'a', 'b' and n > 1"),
        (["and", ["or", 0, 3], 5], "(f is 'a' or g contains 'x') and n > 1"),
        (["and", 5, ["not", 0]], "n > 1 and not f is 'a'"),
        (["not", ["or", 0, 1]], "not f is one of 'a', 'b'"),
        (["not", ["and", 0, 5]], "not (f is 'a' and n > 1)"),
        (["not", ["not", 0]], "not not f is 'a'"),
        (["or", 6, 7], "any value contains one of 'k', 'l'"),
        (["or", 5, 5], "n > 1 or n > 1"),
    ],
)
def test_a_condition_reads_as_a_sentence(condition: Any, words: str) -> None:
    assert describe_condition(PLAN, condition) == words


def test_a_long_list_is_cut_and_says_so() -> None:
    plan = Plan(tuple(Predicate("f", "equals", number) for number in range(20)), ())
    words = describe_condition(plan, ["or", *range(20)])
    assert words == "f is one of 0, 1, 2, 3, 4, 5, 6, 7, … (12 more)"
    assert describe_condition(plan, ["or", *range(9)]).endswith("7, 8")
