"""Every fault is found, where it stands, with a code and a mend; nothing is a traceback."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.rule.reading import faults
from workbench.errors import InputError, RuleErrors
from workbench.rule import load, lower

GOOD = """title: Good
logsource: {category: process_creation}
detection: {s: {Image: a}, condition: s}
"""

BAD = """title: Bad
id: 12
logsource:
  category: process_creatio
detection:
  one:
    Image|contian: x
  two:
    - CommandLine|re: '(?=a)'
    - User|cidr: nonsense
  condition: one or two
workbench:
  risk: 500
"""


def test_all_faults_of_a_rule_are_reported_where_they_stand() -> None:
    found = {(error.code, str(error.place)) for error in faults(BAD)}
    assert found >= {
        ("id", "r.yml:2:1"),
        ("logsource-category", "r.yml:4:3"),
        ("modifier", "r.yml:7:5"),
        ("regex", "r.yml:9:7"),
        ("value", "r.yml:10:7"),
        ("workbench", "r.yml:13:3"),
    }


SEVERAL = """title: T
logsource: {category: process_creation}
detection:
  s:
    Imgae: a
    Usr: b
    User|expand: '%nope%'
    Hashes: null
  condition: s or not s
"""
STEP = (
    "title: A\nname: a\nlogsource: {category: process_creation}\ndetection: {s: {Image: a}, condition: s}\n"
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (SEVERAL, {("field", 5), ("field", 6), ("placeholder", 7), ("unseen", 8)}),
        (
            SEVERAL.replace("User|expand", "User|expnad").replace("not s", "t"),
            {("field", 5), ("field", 6), ("modifier", 7), ("condition", 9)},
        ),
        (
            STEP + "---\ntitle: C\ncorrelation:\n  type: event_count\n  rules: [a]\n"
            "  timespan: 5 minutes\n  condition: {gte: x}\n",
            {("timespan", 10), ("correlation", 11)},
        ),
        (
            STEP + "---\ntitle: C\ncorrelation:\n  type: value_count\n  rules: [a]\n  group-by: [Foo]\n"
            "  timespan: 5m\n  condition: {gte: 1, field: Nope}\nworkbench: {linked_by: lineage}\n",
            {("correlation", 10), ("correlation", 12), ("workbench", 13)},
        ),
    ],
)
def test_one_fault_of_a_rule_hides_no_other(text: str, found: set[tuple[str, int]]) -> None:
    assert {(error.code, error.place.line) for error in faults(text) if error.place} == found


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        (GOOD.replace("category", "catgory: x, category"), "logsource", "r.yml:2:13"),
        (GOOD + "tags: [attack.t1059, t1059]\n", "tags", "r.yml:4:22"),
        (GOOD + "date: 2020-13-45\n", "yaml", "r.yml:4:7"),
        (GOOD + "correlation: {type: temporal, rules: [a], timespan: 1m}\n", "correlation", "r.yml:4:1"),
        (GOOD.replace("Image: a", f"Image: '{'*a' * 3_000}'"), "regex", "r.yml:3:17"),
        (GOOD.replace("Image: a", "Image|windash: '-a -b -c -d'"), "modifier", "r.yml:3:17"),
    ],
)
def test_what_would_mean_another_thing_is_refused_where_it_stands(text: str, code: str, place: str) -> None:
    assert (code, place) in {(error.code, str(error.place)) for error in faults(text)}


@pytest.mark.parametrize(
    ("correlation", "line"),
    [
        ("{type: temporal, rules: [a, {b: c}], timespan: 1m}", "by text"),
        ("{type: event_count, rules: [a], timespan: 1m, groupby: [User], condition: {gte: 2}}", "groupby"),
        ("{type: event_count, rules: [a], timespan: 1m, condition: {gte: 2, field: User}}", "value_count"),
        (
            "{type: value_count, rules: [a], timespan: 1m, condition: {gte: 2, field: User, percentile: 5}}",
            "perc",
        ),
        (
            "{type: value_percentile, rules: a, timespan: 9s, condition: {gt: 2, field: A, percentile: 1.5}}",
            "w",
        ),
    ],
)
def test_a_correlation_says_nothing_that_is_passed_over(correlation: str, line: str) -> None:
    (error,) = faults(f"{STEP}---\ntitle: C\ncorrelation: {correlation}\n")
    assert error.code in ("correlation", "reference")
    assert line in str(error)


def test_a_fault_that_a_condition_meets_twice_is_told_once() -> None:
    assert len(faults(SEVERAL)) == 4


@pytest.mark.parametrize(
    ("filter", "code", "place"),
    [
        ("{rules: [b], s: {User: x}, condition: not s}", "reference", "r.yml:8:18"),
        ("{rules: a, s: {Usr: x}, condition: not t}", "field", "r.yml:8:24"),
        ("{rules: a, s: {User: x}, condition: not t}", "condition", "r.yml:8:34"),
        ("{rules: a, _s: {User: x}, condition: not _s}", "filter", "r.yml:8:20"),
    ],
)
def test_a_filter_is_at_fault_itself(filter: str, code: str, place: str) -> None:
    found = faults(STEP + "---\ntitle: F\nlogsource: {category: process_creation}\nfilter: " + filter + "\n")
    assert (code, place) in {(error.code, str(error.place)) for error in found}
    assert all(str(error.place).startswith("r.yml:8:") for error in found)


def test_a_filter_for_another_log_source_or_a_correlation_is_at_fault() -> None:
    counted = "{type: event_count, rules: [a], timespan: 1m, condition: {gte: 2}}"
    count = f"---\ntitle: C\nname: c\ncorrelation: {counted}\n"
    rest = (
        "---\ntitle: F\nlogsource: {category: file_event}\n"
        "filter: {rules: [a, c], s: {User: x}, condition: not s}\n"
    )
    assert [error.code for error in faults(STEP + count + rest)] == ["reference", "reference"]


def test_what_is_wrong_with_a_condition_is_told_without_a_grammar() -> None:
    (error,) = faults(GOOD.replace("condition: s", "condition: s and (s or"))
    assert error.cause == "the condition cannot be read: found end of text at character 11"


def test_what_re2_cannot_take_is_told_in_words() -> None:
    (error,) = faults(GOOD.replace("Image: a", "Image|re: '(?=a)'"))
    assert error.cause.endswith("is invalid: invalid perl operator: (?=")


def test_a_caret_stands_under_the_fault() -> None:
    (error,) = faults(GOOD.replace("Image: a", "Imgae: a"))
    assert error.code == "field"
    assert "did you mean Image?" in error.mend
    line, caret = error.excerpt.splitlines()
    assert line[caret.index("^") :].startswith("Imgae"), error.excerpt


def test_faults_that_show_only_when_lowered_have_a_place_too() -> None:
    head = "title: P\nlogsource: {category: process_creation}\n"
    text = head + "detection:\n  s:\n    Image: a\n    User|expand: '%x%'\n  condition: s\n"
    (error,) = faults(text)
    assert (error.code, str(error.place)) == ("placeholder", "r.yml:6:5")


def test_faults_of_all_files_are_reported_together(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(BAD)
    (tmp_path / "b.yml").write_text("title: [\n")
    (tmp_path / "c.yaml").write_text("just text\n")
    (tmp_path / "d.yml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "e.yml").write_text(GOOD)
    with pytest.raises(RuleErrors) as caught:
        load(tmp_path)
    assert {Path(str(error.place).split(":")[0]).name for error in caught.value.errors} == {
        "a.yml",
        "b.yml",
        "c.yaml",
        "d.yml",
    }
    ruleset = load(tmp_path, strict=False)
    assert [rule.sigma.title for rule in ruleset.rules] == ["Good"]


def test_a_missing_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load(tmp_path / "none")


def test_a_place_without_rule_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "placeholders.yml").write_text("a: [b]\n")
    with pytest.raises(InputError, match=r"no rule file is there .*mend"):
        load(tmp_path)


def test_aliases_that_multiply_are_refused() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)]
    (error,) = faults("\n".join(lines))
    assert error.code == "yaml"


@pytest.mark.parametrize("key", ["[a, b]", "{a: b}"])
def test_a_key_that_is_no_scalar_is_refused_where_it_stands(key: str) -> None:
    (error,) = faults(GOOD + f"x:\n  ? {key}\n  : c\n")
    assert (error.code, str(error.place)) == ("yaml", "r.yml:5:5")


def test_an_empty_detection_and_a_nested_one_are_told_in_words() -> None:
    text = """title: Odd
logsource: {category: process_creation}
detection:
  none:
  deep:
    inner: {Image: x}
  condition: none or deep
"""
    assert {(error.cause, str(error.place)) for error in faults(text)} == {
        ("a detection is empty", "r.yml:4:3"),
        ("a mapping is no value", "r.yml:6:5"),
    }


def test_every_key_that_stands_twice_is_told_where_it_stands_again() -> None:
    text = """title: Twice
logsource: {category: process_creation}
detection:
  a:
    Image: x
    Image: y
  b: {User: x, User: y}
  condition: a or b
title: Again
"""
    assert {(error.code, str(error.place)) for error in faults(text)} == {
        ("yaml", "r.yml:6:5"),
        ("yaml", "r.yml:7:16"),
        ("yaml", "r.yml:9:1"),
    }


def test_a_relation_may_have_its_name_of_before_sigma_2() -> None:
    related = "related: [{id: 08dbb8d9-5c36-4ec5-a4a6-93b9ea3f1a52, type: %s}]\n"
    assert faults(GOOD + related % "obsoletes") == []
    assert [error.code for error in faults(GOOD + related % "replaces")] == ["related"]


def test_deep_nesting_is_refused() -> None:
    (error,) = faults("a: " + "[" * 50_000)
    assert error.code == "yaml"
    (error,) = faults(GOOD.replace("condition: s", "condition: " + "not (" * 60 + "s" + ")" * 60))
    assert error.code == "condition"


def test_one_broken_rule_does_not_hide_another() -> None:
    other = GOOD.replace("condition: s", "condition: t").replace("Good", "Better")
    errors = faults(GOOD.replace("Image", "Imagee") + "---\n" + other)
    assert [error.code for error in errors] == ["field", "condition"]


@pytest.mark.parametrize("key", ["id: 6f0d9c1e-52b1-4f6e-9a07-5a3f8c1f2b11", "name: good", "title: Good"])
def test_two_rules_cannot_be_told_apart(key: str) -> None:
    first, second = (GOOD.replace("title: Good", f"title: {n}") for n in "AB")
    if key.startswith("title"):
        first, second = GOOD, GOOD
    else:
        first, second = f"{key}\n{first}", f"{key}\n{second}"
    (error,) = faults(f"{first}---\n{second}")
    assert error.code == "duplicate-" + key.partition(":")[0]
    assert "r.yml:1" in error.cause


def test_the_plan_does_not_depend_on_chance(tmp_path: Path) -> None:
    (tmp_path / "r.yml").write_text(GOOD)
    (tmp_path / "f.yml").write_text(
        "title: F\nlogsource: {category: process_creation}\n"
        "filter: {rules: any, s: {User: x}, condition: not s}\n"
    )
    assert lower(load(tmp_path)) == lower(load(tmp_path))


def test_a_collection_is_one_fault() -> None:
    common = "action: global\ntitle: Both\nlogsource: {category: process_creation}\n"
    part = "---\ndetection: {s: {Image: a}, condition: s}\n"
    (error,) = faults(common + part + part)
    assert (error.code, str(error.place)) == ("action", "r.yml:1:1")


def test_a_rule_beside_one_that_is_refused_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(
        GOOD.replace("category: process_creation", "product: linux, service: sshd")
    )
    (tmp_path / "b.yml").write_text(GOOD)
    ruleset = load(tmp_path, strict=False)
    assert [error.code for error in ruleset.errors] == ["logsource-service"]
    assert len(ruleset.rules) == 1


def test_a_table_of_expressions_keeps_their_stars_and_question_marks(tmp_path: Path) -> None:
    (tmp_path / "placeholders.yml").write_text(r"names: ['/\.env(\.local)?$', 'a.*b$']" + "\n")
    (tmp_path / "rule.yml").write_text(GOOD.replace("Image: a", "Image|re|expand: '%names%'"))
    plan = lower(load([tmp_path]))
    assert {predicate[2] for predicate in plan["predicates"]} == {r"/\.env(\.local)?$", "a.*b$"}


HEAD = "title: T\nlogsource: {category: process_creation}\ndetection: {s: {Image: a}, condition: s}\n"


@pytest.mark.parametrize(
    ("text", "places"),
    [
        (HEAD + "workbench:\n  risk: high\n  response: 3\n  colour: red\n", ["5:3", "6:3", "7:3"]),
        ("title: T\ndescription: a\x01b\n", ["2:15"]),
        ("title: C\ncorrelation: {type: 5, rules: [a], timespan: 1m}\n", ["2:1"]),
        ("a: " + "[" * 3_000, [""]),
    ],
)
def test_every_fault_is_told_where_it_stands(tmp_path: Path, text: str, places: list[str]) -> None:
    file = tmp_path / "r.yml"
    file.write_text(text)
    with pytest.raises(RuleErrors) as caught:
        load(file)
    told = str(caught.value)
    assert "recursion" not in told
    for place in places:
        assert f"r.yml:{place}" in told


def test_a_file_that_is_no_rule_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "good.yml").write_text(GOOD)
    (tmp_path / "empty.yml").write_text("# nothing\n---\n")
    (tmp_path / "large.yml").write_text("#" * (1 << 20) + GOOD)
    (tmp_path / "bytes.yml").write_bytes(b"title: \xff")
    (tmp_path / "away.yml").symlink_to("nowhere.yml")
    (tmp_path / "round.yml").symlink_to("round.yml")
    (tmp_path / "directory.yml").mkdir()
    os.mkfifo(tmp_path / "pipe.yml")
    with pytest.raises(RuleErrors) as raised:
        load(tmp_path)
    told = {Path(error.place.path).name: str(error) for error in raised.value.errors if error.place}
    assert set(told) == {"empty.yml", "large.yml", "bytes.yml", "away.yml", "round.yml", "pipe.yml"}
    assert all("[file]" in text and "mend:" in text for text in told.values())
    assert "larger than 1 MiB" in told["large.yml"]
    assert [rule.sigma.title for rule in load(tmp_path, strict=False).rules] == ["Good"]
