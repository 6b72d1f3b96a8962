"""What no YAML value is comes back as a fault with a place, whatever PyYAML makes of it."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from workbench.yaml_text import read_yaml

TAGS = ("timestamp", "bool", "int", "float", "binary", "set", "omap", "pairs", "null", "str", "map", "seq")


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("due: 2026-13-01", 6),
        ("due: !!timestamp x", 6),
        ("on: [1, !!bool maybe]", 9),
        ("n: !!int ''", 4),
        ("n: !!float '-'", 4),
        ("n: !!int 0x", 4),
        ("b: !!binary é", 4),
        ("a: {b: !!set [1]}", 8),
        ("a: {[1]: 2}", 5),
        ("a: !!python/object:os.system x", 4),
    ],
)
def test_a_value_that_is_none_is_told_where_it_stands(text: str, column: int) -> None:
    with pytest.raises(yaml.MarkedYAMLError) as raised:
        read_yaml(text)
    assert raised.value.problem_mark is not None
    assert (raised.value.problem_mark.line, raised.value.problem_mark.column + 1) == (0, column)


@given(st.sampled_from(TAGS), st.text(max_size=12))
def test_no_tag_on_no_text_raises_anything_else(tag: str, text: str) -> None:
    try:
        read_yaml(f"a: !!{tag} {text}")
    except yaml.YAMLError:
        return
