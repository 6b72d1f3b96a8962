"""Lint: doubts as warnings, faults as errors, versions locked, tests run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from workbench.cli import run
from workbench.rule.linting import lint_paths
from workbench.rule.schema import rule_schema

RULE = """title: A shell starts
id: 5f0d9c1e-52b1-4f6e-9a07-5a3f8c1f2b11
name: shell
description: A shell starts. That happens.
date: 2026-01-01
tags: [attack.t1059.004]
logsource: {category: process_creation}
detection:
  selection:
    Image|endswith: /sh
  condition: selection
level: low
"""
TEST = """[[case]]
name = "a shell"
events = '''
{"process.executable": "/bin/sh"}
{"process.executable": "/bin/ls"}
'''
fires = ["1"]
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    (tmp_path / "shell.yml").write_text(RULE)
    (tmp_path / "shell.test.toml").write_text(TEST)
    return tmp_path


def codes(directory: Path, text: str) -> set[str]:
    (directory / "shell.yml").write_text(text)
    report = lint_paths([directory])
    return {fault.code for fault in report.errors + report.warnings}


def test_a_good_rule_is_good(rules: Path) -> None:
    report = lint_paths([rules])
    assert (report.errors, report.warnings, report.rules, report.tests) == ([], [], 1, 1)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("id: 5f0d9c1e-52b1-4f6e-9a07-5a3f8c1f2b11\n", "", "no-id"),
        ("level: low\n", "", "no-level"),
        ("description: A shell starts. That happens.\n", "", "no-description"),
        ("tags: [attack.t1059.004]", "tags: [attack.execution]", "no-technique"),
        ("tags: [attack.t1059.004]", "tags: [attack.t9999]", "unknown-technique"),
        ("title: A shell starts", "title: A shell starts.", "title"),
        ("  condition", "  unused: {User: x}\n  condition", "unused"),
        ("    Image|endswith: /sh", "    Image|endswith: /sh\n    LogonId: 1", "unfilled"),
        ("    Image|endswith: /sh", "    Image|endswith: /sh\n    DestinationPort: 1", "unfilled"),
        ("Image|endswith: /sh", "Image|all: [/bin/sh, /bin/ls]", "unreachable"),
    ],
)
def test_doubts(rules: Path, old: str, new: str, code: str) -> None:
    assert old in RULE
    assert code in codes(rules, RULE.replace(old, new))


@pytest.mark.parametrize(
    ("record", "doubtful"),
    [
        ("type: USER_TTY", True),
        ("type: [USER_TTY, PATH]", False),
        ("type: execve", False),
        ("SYSCALL: sysinfo", True),
        ("syscall: 428", True),
        ("syscall: 59", False),
        ("key: watched", True),
        ("{type: SYSCALL, cwd: /tmp}", True),
        ("{type: [CWD, SYSCALL], cwd: /tmp}", False),
        ("{type: PATH, a0: ls}", True),
        ("{type: EXECVE, a0: ls, a12: x}", False),
    ],
)
def test_what_auditd_writes_but_no_event_tells(rules: Path, record: str, doubtful: bool) -> None:
    text = RULE.replace("\n    Image|endswith: /sh", f" {record}" if record[0] == "{" else f"\n    {record}")
    source = text.index("logsource:")
    end = text.index("\n", source)
    text = text[:source] + "logsource: {product: linux, service: auditd}" + text[end:]
    assert ("unfilled" in codes(rules, text)) is doubtful


def test_keywords_that_must_all_be_there_are_no_doubt(rules: Path) -> None:
    item = "'|all': [truncate, '-s']"
    assert "unreachable" not in codes(rules, RULE.replace("Image|endswith: /sh", item))


@pytest.mark.parametrize(("repetitions", "costly"), [(100, False), (900, True)])
def test_an_expression_whose_cost_is_large_is_doubtful(rules: Path, repetitions: int, costly: bool) -> None:
    item = f"CommandLine|re: '(a?b){{{repetitions}}}x'"
    assert ("costly" in codes(rules, RULE.replace("Image|endswith: /sh", item))) is costly


def test_a_window_shorter_than_a_step(rules: Path) -> None:
    chain = """---
title: Many shells
name: many
correlation: {type: event_count, rules: [shell], timespan: 1h, condition: {gte: 3}}
---
title: Many, then one
correlation: {type: temporal_ordered, rules: [many, shell], timespan: 1m}
"""
    assert "short-window" in codes(rules, RULE + chain)


def test_a_window_that_only_says_how_far_back_an_unwanted_event_may_lie(rules: Path) -> None:
    chain = """---
title: A shell by itself
name: alone
correlation: {type: temporal, condition: shell and not login, timespan: 1d}
---
title: Many of them
correlation: {type: event_count, rules: [alone], timespan: 1m, condition: {gte: 3}}
---
"""
    login = RULE.replace("5f0d", "6f0d").replace("name: shell", "name: login").replace("A shell", "Login")
    assert "short-window" not in codes(rules, RULE + "---\n" + login + chain.removesuffix("---\n"))


WRITES = """title: Key is read
name: key_read
logsource: {category: file_access}
detection: {s: {TargetFilename: /k}, condition: s}
workbench: {label: secret}
"""
SENDS = """title: Key is sent
logsource: {category: network_connection}
detection: {s: {provenance.labels: secret}, condition: s}
"""
SENT = """[[case]]
name = "read, then sent"
events = '''
{"kind": "file/read", "process.entity_id": "p1", "file.path": "/k"}
{"kind": "network/connect", "process.entity_id": "p1"}
'''
fires = ["2"]
"""


def test_a_rule_by_data_is_tested_with_the_rules_that_label_and_they_by_it(tmp_path: Path) -> None:
    for name, text in {"key.yml": WRITES, "sends.yml": SENDS, "sends.test.toml": SENT}.items():
        (tmp_path / name).write_text(text)
    report = lint_paths([tmp_path])
    assert report.errors == []
    assert {"no-test", "unlabelled"}.isdisjoint(fault.code for fault in report.warnings)


def test_a_rule_whose_label_no_rule_gives_is_told_and_its_test_left_out(tmp_path: Path) -> None:
    (tmp_path / "sends.yml").write_text(SENDS)
    (tmp_path / "sends.test.toml").write_text(SENT)
    report = lint_paths([tmp_path])
    assert report.errors == []
    assert "unlabelled" in {fault.code for fault in report.warnings}


def test_a_case_may_mean_one_of_the_rules_beside_it_even_one_that_is_a_step(rules: Path) -> None:
    chain = """---
title: Two shells
id: 7f0d9c1e-52b1-4f6e-9a07-5a3f8c1f2b11
description: A shell, then another. That happens.
date: 2026-01-01
tags: [attack.t1059.004]
level: low
correlation: {type: event_count, rules: [shell], timespan: 1h, condition: {gte: 2}}
"""
    two = TEST.replace("/bin/ls", "/bin/sh").replace('["1"]', '["2"]')
    step = TEST.replace("a shell", "one of them").replace("name =", 'rule = "shell"\nname =')
    (rules / "shell.test.toml").write_text(two + step)
    assert codes(rules, RULE + chain) == set()
    (rules / "shell.test.toml").write_text(two.replace("name =", 'rule = "nonesuch"\nname ='))
    (error,) = lint_paths([rules]).errors
    assert "no rule beside it is called 'nonesuch'" in error.cause


def test_no_test(rules: Path) -> None:
    (rules / "shell.test.toml").unlink()
    assert codes(rules, RULE) == {"no-test"}
    assert codes(rules, RULE + "workbench: {recordings: [run-1]}\n") == {"no-test"}


def test_a_rule_that_no_case_fires_is_untested_whatever_lies_beside_it(rules: Path) -> None:
    (rules / "shell.test.toml").write_text(TEST.replace("/bin/sh", "/bin/cat").replace('["1"]', "[]"))
    assert codes(rules, RULE) == {"no-test"}


def test_rules_without_a_test_are_told_in_one_line(rules: Path) -> None:
    for number in range(3):
        other = RULE.replace("5f0d9c1e", f"{number}f0d9c1e").replace("name: shell", f"name: other{number}")
        (rules / f"other{number}.yml").write_text(other)
    (warning,) = lint_paths([rules]).warnings
    assert str(warning).startswith("[no-test] 3 rules are fired by no test")


def test_a_failing_test_is_an_error_with_its_line(rules: Path) -> None:
    (rules / "shell.test.toml").write_text(TEST.replace('["1"]', '["2"]'))
    (error,) = lint_paths([rules]).errors
    assert error.code == "test"
    assert error.place is not None
    assert error.place.line == 2
    assert "fires on ['1'], expected ['2']" in error.cause


@pytest.mark.parametrize(
    "text",
    ["[[case]", '[[case]]\nname = "x"\nfire = ["1"]\n', "\x00", TEST.replace("/bin/ls", '/bin/ls", "x": "')],
)
def test_a_test_that_is_none_is_one_error_among_others(rules: Path, text: str) -> None:
    (rules / "shell.test.toml").write_text(text)
    other = RULE.replace("Image", "Imgae").replace("5f0d", "6f0d").replace("name: shell", "name: other")
    (rules / "other.yml").write_text(other)
    assert {error.code for error in lint_paths([rules]).errors} == {"test", "field"}


def test_a_changed_rule_wants_a_new_version(rules: Path) -> None:
    lint_paths([rules], update=True)
    assert lint_paths([rules]).errors == []
    changed = RULE.replace("/sh", "/bash")
    (rules / "shell.test.toml").unlink()
    assert "version" in codes(rules, changed)
    assert "version" not in codes(rules, changed + "modified: 2026-02-01\n")
    assert "version" not in codes(rules, RULE.replace("That happens.", "It does."))


def test_a_changed_table_of_values_wants_a_new_version(rules: Path) -> None:
    (rules / "shell.test.toml").unlink()
    (rules / "placeholders.yml").write_text("shells: [/sh]\nothers: [x]\n")
    (rules / "shell.yml").write_text(RULE.replace("endswith: /sh", "endswith|expand: '%shells%'"))
    lint_paths([rules], update=True)
    (rules / "placeholders.yml").write_text("shells: [/sh]\nothers: [y]\n")
    assert lint_paths([rules]).errors == []
    (rules / "placeholders.yml").write_text("shells: [/sh, /bash]\n")
    assert [error.code for error in lint_paths([rules]).errors] == ["version"]


def test_a_new_rule_wants_to_be_locked(rules: Path) -> None:
    lint_paths([rules], update=True)
    (rules / "other.yml").write_text(RULE.replace("5f0d", "6f0d").replace("name: shell", "name: other"))
    assert [error.code for error in lint_paths([rules]).errors] == ["version"]


def test_the_command(rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", str(rules)]) == 0
    assert "1 rule, 1 test: 0 errors, 0 warnings" in capsys.readouterr().out
    (rules / "bad.yml").write_text(
        RULE.replace("Image", "Imgae").replace("5f0d", "6f0d").replace("shell\n", "x\n")
    )
    assert run(["lint", str(rules), "--format", "json"]) == 1
    (fault, *_) = json.loads(capsys.readouterr().out)
    assert (fault["severity"], fault["code"], fault["line"], fault["column"]) == ("error", "field", 10, 5)
    assert run(["lint", str(rules / "none")]) == 2
    assert run(["lint"]) == 2


def test_the_schema_knows_our_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", "--schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert "linked_by" in schema["$defs"]["Extension"]["properties"]
    assert "agent_activity" in schema["properties"]["logsource"]["properties"]["category"]["enum"]


FIT = {
    "title": "T",
    "logsource": {"category": "process_creation"},
    "detection": {"s": [{"Image|endswith": "a", "a1": 777}, "keyword"], "condition": "s"},
}


def test_the_schema_takes_the_rules_that_come_with_it_and_tells_slips() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(rule_schema())
    rules = [
        json.loads(json.dumps(rule, default=str))
        for file in (Path(__file__).parents[2] / "rules").rglob("*.yml")
        if file.name != "placeholders.yml"
        for rule in yaml.safe_load_all(file.read_text())
    ]
    assert [error.message for rule in rules for error in validator.iter_errors(rule)] == []
    assert validator.is_valid(FIT)
    for slip in (
        {"detection": {"s": {"Image|conains": "a"}, "condition": "s"}},
        {"detection": {"s": {"Imgae": "a"}, "condition": "s"}},
        {"logsource": {"catgory": "process_creation"}},
        {"correlation": {"type": "event_count", "rules": ["a"], "timespan": "5m", "groupby": ["User"]}},
        {"workbench": {"sinal": "drift"}},
        {"tags": ["t1059"]},
        {"id": "12"},
    ):
        assert not validator.is_valid({**FIT, **slip}), slip


def test_convert(rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["convert", str(rules), "--to", "plan"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["predicates"] == [["process.executable", "endswith", "/sh", False]]
    assert run(["convert", str(rules), "--to", "nonesuch"]) == 2
    assert "no backend 'nonesuch'" in capsys.readouterr().err


CONVERTED = """title: Tool
name: tool
logsource: {category: process_creation}
detection: {s: {Image|endswith|expand: '%tools%'}, condition: s}
---
title: Marks
name: marks
logsource: {category: file_access}
detection: {s: {TargetFilename: /k}, condition: s}
workbench: {label: secret}
---
title: Marked, then tool
correlation: {type: temporal_ordered, rules: [marks, tool], timespan: 1m}
"""


def test_what_a_backend_cannot_express_is_told_or_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sigma.backends.sqlite")
    (tmp_path / "r.yml").write_text(CONVERTED)
    (tmp_path / "placeholders.yml").write_text("tools: [/curl, /wget]\n")
    assert run(["convert", str(tmp_path), "--to", "sqlite"]) == 2
    told = capsys.readouterr().err
    assert "r.yml:10:13: [backend] sqlite knows nothing of label" in told
    assert "r.yml:12:1: [backend] names 'Marks', which sqlite cannot express" in told
    assert run(["convert", str(tmp_path), "--to", "sqlite", "--skip-refused", "--format", "json"]) == 0
    out, err = capsys.readouterr()
    (query,) = json.loads(out)
    assert "Image LIKE '%/curl'" in query
    assert "Image LIKE '%/wget'" in query
    assert err.count("left out: ") == 2
