"""Bins of what was said: nothing is lost, and each holds what lies in it."""

from hypothesis import given
from hypothesis import strategies as st

from workbench.evaluate.reliability import reliability_bins

SAID = st.lists(st.tuples(st.floats(0, 1), st.booleans()))


@given(SAID, st.integers(1, 20))
def test_each_bin_holds_what_lies_in_it_and_nothing_is_lost(
    said: list[tuple[float, bool]], bins: int
) -> None:
    found = reliability_bins(said, bins)
    assert sum(one.count for one in found) == len(said)
    assert (
        abs(sum(one.observed * one.count for one in found) - sum(true for _, true in said)) <= len(said) / 1e4
    )
    assert [one.predicted for one in found] == sorted(one.predicted for one in found)
    assert len(found) <= bins
