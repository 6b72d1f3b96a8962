"""Delta debugging leaves what is needed and nothing else."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.evaluate.witness.fewest import fewest

GROUPS = st.lists(st.frozensets(st.integers(0, 30), max_size=4), min_size=1, max_size=4)


@settings(max_examples=60)
@given(GROUPS)
def test_no_item_can_be_spared_whatever_is_asked_for(groups: list[frozenset[int]]) -> None:
    """Any of the groups will do, in full: what a rule with `or` asks for."""

    def holds(some: list[int]) -> bool:
        return any(group <= set(some) for group in groups)

    left = fewest(range(31), holds)
    assert holds(left)
    assert left == sorted(left)
    assert not any(holds([item for item in left if item != spared]) for spared in left)


@settings(max_examples=40)
@given(st.sets(st.integers(0, 40)), st.integers(0, 40))
def test_what_need_not_hold_together_is_left_with_no_item_to_spare(odd: set[int], least: int) -> None:
    """Also where fewer items may hold when more do not."""

    def holds(some: list[int]) -> bool:
        return len(some) >= least and (len(some) % 2 == 1 or not odd & set(some) or len(some) == 41)

    left = fewest(range(41), holds)
    assert holds(left)
    assert not any(holds([item for item in left if item != spared]) for spared in left)


def test_what_stands_first_goes_first() -> None:
    assert fewest("abcd", bool) == ["d"]


def test_nothing_is_left_when_nothing_is_needed() -> None:
    assert fewest([1, 2, 3], lambda some: True) == []
    assert fewest([], lambda some: True) == []
