"""Whatever stands in a rule file is read or refused: no traceback, no hang, no fault without a place."""

from __future__ import annotations

import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.rule.reading import faults

STEP = (
    "title: A\nname: a\nlogsource: {category: process_creation}\ndetection: {s: {Image: a}, condition: s}\n"
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.dates())
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
KEYS = [
    "title",
    "id",
    "name",
    "logsource",
    "detection",
    "correlation",
    "filter",
    "workbench",
    "level",
    "tags",
    "status",
    "date",
    "modified",
    "related",
    "taxonomy",
    "fields",
    "falsepositives",
    "action",
    "scope",
]


@given(st.dictionaries(st.sampled_from(KEYS), ANYTHING, max_size=6))
def test_a_rule_of_anything_is_read_or_refused(raw: dict[str, object]) -> None:
    text = yaml.safe_dump({"title": "x", **raw}, allow_unicode=True)
    for error in faults(text):
        assert error.code
        assert error.place


PARTS = ["type", "rules", "group-by", "timespan", "condition", "aliases", "generate", "s"]
SECTION = st.dictionaries(st.sampled_from(PARTS), ANYTHING, max_size=3)


@given(st.sampled_from(["correlation", "filter"]), SECTION)
def test_a_correlation_or_filter_of_anything_is_read_or_refused(kind: str, raw: dict[str, object]) -> None:
    fitting = {
        "correlation": {"type": "temporal", "rules": ["a"], "timespan": "1m"},
        "filter": {"rules": "any", "s": {"User": "x"}, "condition": "not s"},
    }[kind]
    rule = {
        "title": "x",
        "logsource": {"category": "process_creation"},
        kind: {**fitting, **raw},
    }
    for error in faults(STEP + "---\n" + yaml.safe_dump(rule, allow_unicode=True)):
        assert error.code
        assert error.place


ITEM_KEYS = st.builds(
    "|".join,
    st.lists(
        st.sampled_from(
            [
                *("contains", "startswith", "endswith", "all", "cased", "re", "i", "m", "s", "cidr", "neq"),
                *("base64", "base64offset", "wide", "utf16", "utf16be", "windash", "exists", "fieldref"),
                *("lt", "lte", "gt", "gte", "minute", "hour", "week", "expand"),
            ]
        ),
        max_size=3,
    ).map(lambda found: ["Image", *found]),
)


@given(st.dictionaries(ITEM_KEYS, SCALARS | st.lists(SCALARS, max_size=3), min_size=1, max_size=3))
def test_any_chain_of_modifiers_is_honoured_or_refused(items: dict[str, object]) -> None:
    rule = {
        "title": "x",
        "logsource": {"category": "process_creation"},
        "detection": {"s": items, "condition": "s"},
    }
    faults(yaml.safe_dump(rule, allow_unicode=True))


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    faults(text)
