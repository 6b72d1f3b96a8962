"""The fast matcher says what the plain evaluator says."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.scorer.cache import ENTRY, Cache
from workbench.scorer.field_index import FieldIndex
from workbench.scorer.matcher import Matcher
from workbench.scorer.plan import Plan, Predicate, Rule
from workbench.scorer.text import PatternSet


def beside(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"scorer_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec and spec.loader
    module = sys.modules.setdefault(spec.name, importlib.util.module_from_spec(spec))
    spec.loader.exec_module(module)
    return module


reference = beside("reference")
worlds = beside("strategies")


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    predicates = draw(st.lists(worlds.predicates, min_size=1, max_size=6))
    kinds = st.sampled_from([(), ("process/exec",), ("file/open", "network/connect")])
    rules = draw(
        st.lists(st.tuples(worlds.conditions(len(predicates)), kinds), min_size=1, max_size=5).map(
            lambda found: tuple(
                Rule(id=str(number), title="r", condition=condition, kinds=kinds)
                for number, (condition, kinds) in enumerate(found)
            )
        )
    )
    return Plan(tuple(predicates), rules)


@settings(max_examples=200)
@given(plans(), st.lists(worlds.events, max_size=6))
def test_it_agrees_with_the_plain_evaluator(plan: Plan, events: list[dict[str, Any]]) -> None:
    matcher = Matcher(plan, range(len(plan.rules)))
    for event in [*events, *events]:  # the second time from what it remembers
        del_kind = {name: value for name, value in event.items() if name != "kind"}
        expected = tuple(n for n in range(len(plan.rules)) if reference.matches(plan, n, del_kind))
        assert matcher.match(del_kind) == expected


@given(st.lists(st.sampled_from(["a", "ab", "b.*c", "^a", "c$", "[bc]{2}", "\\Aab\\z", "x*"])), worlds.TEXT)
def test_a_set_finds_what_each_pattern_finds(patterns: list[str], text: str) -> None:
    import re2

    bits = PatternSet([(pattern, 1 << number) for number, pattern in enumerate(patterns)]).match(text)
    assert bits == sum(1 << n for n, pattern in enumerate(patterns) if re2.search(pattern, text))


def test_thousands_of_patterns_are_all_found() -> None:
    words = [f"word{number:05d}" for number in range(3_000)]
    found = PatternSet([(word, 1 << number) for number, word in enumerate(words)])
    assert found.match(" ".join(words)) == (1 << 3_000) - 1
    assert found.match("word02999") == 1 << 2_999


def test_a_text_that_is_no_unicode_still_matches_around_it() -> None:
    index = FieldIndex([(0, Predicate("f", "like", ["evil", 0, "end"]))])
    assert index.bits("evil\udcff end") == 1


def test_pathological_patterns_and_long_texts_stay_linear() -> None:
    from time import thread_time

    index = FieldIndex(
        [
            (0, Predicate("f", "regex", "(a+)+$", cased=True)),
            (1, Predicate("f", "like", [0, "a", 0, "a", 0, "a", 0, "b", 0, "c"])),
            (2, Predicate("f", "regex", "(x|x|y)*z", cased=True)),
        ]
    )

    def seconds(length: int) -> float:
        began = thread_time()
        index.bits("a" * length + "!")
        return thread_time() - began

    small = max(seconds(100_000), 0.001)
    assert seconds(1_000_000) < 60 * small
    assert seconds(1_000_001) < 2


def test_what_is_forgotten_is_found_again() -> None:
    computed: list[int] = []

    def compute(number: int) -> int:
        computed.append(number)
        return -number

    cache: Cache[int, int] = Cache(compute, 10 * ENTRY)
    assert [cache[number] for number in range(100)] == [-number for number in range(100)]
    assert len(cache) <= 10
    assert len(computed) == 100
    assert (cache[99], cache[89]) == (-99, -89)  # of both generations
    assert len(computed) == 100
    assert cache[0] == 0
    assert len(computed) == 101


def test_long_texts_do_not_fill_the_memory() -> None:
    index = FieldIndex([(0, Predicate("f", "contains", "x"))])
    for number in range(50):
        assert index.bits(f"{number}" + "y" * 100_000 + "x") == 1
    kept = sum(len(text) for text in index.known if isinstance(text, str))
    assert kept <= 1_000_000
