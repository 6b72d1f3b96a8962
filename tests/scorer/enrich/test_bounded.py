"""What a bounded mapping forgets, in which order, and what it counts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workbench.scorer.enrich.bounded import Bounded


def test_a_retired_entry_goes_before_one_that_was_used_less_recently() -> None:
    kept = Bounded[str, int](3)
    for name in ("a", "b", "c"):
        kept.put(name, 1)
    kept.retire("c")
    kept.put("d", 1)
    assert [name for name, _ in kept.items()] == ["a", "b", "d"]
    assert kept.evicted == 1


def test_of_the_retired_the_first_goes_first_and_uncounted() -> None:
    kept = Bounded[str, int](8, most_retired=2)
    for age, name in enumerate(("a", "b", "c", "living")):
        kept.put(name, age)
    assert [kept.retire(name) for name in ("b", "a", "c")] == [None, None, 1]
    assert [name for name, _ in kept.items()] == ["a", "c", "living"]
    assert list(kept.retired()) == ["a", "c"]
    assert kept.evicted == 0


def test_what_is_not_there_cannot_be_retired() -> None:
    kept = Bounded[str, int](2)
    assert kept.retire("a") is None
    assert not list(kept.retired())


def test_an_entry_stored_again_after_it_was_removed_is_not_retired() -> None:
    kept = Bounded[str, int](2)
    kept.put("a", 1)
    kept.retire("a")
    assert kept.pop("a") == 1
    kept.put("a", 2)
    assert not list(kept.retired())


_STEPS = st.lists(st.tuples(st.sampled_from(("put", "get", "retire", "pop")), st.integers(0, 12)))


@given(_STEPS, st.integers(1, 6), st.integers(0, 4))
def test_whatever_is_done_it_stays_within_its_bounds(
    steps: list[tuple[str, int]], cap: int, most: int
) -> None:
    kept = Bounded[int, int](cap, most_retired=most)
    for what, key in steps:
        if what == "put":
            kept.put(key, key)
        else:
            getattr(kept, what)(key)
        retired = list(kept.retired())
        assert len(kept) <= cap
        assert len(retired) <= most
        assert all(key in kept for key in retired)
