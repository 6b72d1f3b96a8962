"""From rules to findings by the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from workbench.cli import run
from workbench.scorer import Scorer
from workbench.scorer.selftest import self_test

RULES = """title: Tool reads a key
name: key
logsource: {category: file_access}
detection: {s: {TargetFilename|endswith: /id_rsa}, condition: s}
---
title: Upload starts
name: upload
logsource: {category: process_creation}
detection: {s: {Image|endswith: /curl}, condition: s}
---
title: Key, then upload
id: 5f0d9c1e-52b1-4f6e-9a07-5a3f8c1f2b11
correlation: {type: temporal_ordered, rules: [key, upload], timespan: 1m}
"""


def event(second: int, name: str, kind: str, **fields: str) -> dict[str, str]:
    category, action = kind.split("/")
    head = {"event.id": name, "event.category": category, "event.action": action}
    return {"@timestamp": f"2026-01-01T00:00:0{second}Z", **head, **fields}


EVENTS = [
    event(5, "2", "process/exec", **{"process.executable": "/usr/bin/curl"}),
    event(1, "1", "file/open", **{"file.path": "/r/id_rsa", "colour": "red"}),
    event(6, "3", "process/exec", **{"process.executable": "/usr/bin/wget"}),
]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("WORKBENCH_TRUST", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "r.yml").write_text(RULES)
    (tmp_path / "events.jsonl").write_text("\n".join(map(json.dumps, EVENTS)))
    assert run(["pack", "keygen", "--out", "k"]) == 0
    assert run(["pack", "build", "rules", "--out", "x.pack", "--key", "k"]) == 0
    return tmp_path


def test_findings_are_told_in_words_for_people(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["score", "x.pack", "events.jsonl", "--format", "text"]) == 0
    first, second = capsys.readouterr().out.splitlines()[:2]
    assert re.fullmatch(r"\S+Z  alert  risk  \d+  .+ \(2\)", first)
    assert second == "  key → upload within 1 min"


def test_events_are_scored_in_order_and_counted(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(["score", "x.pack", "events.jsonl", "--stats", "stats.json"]) == 0
    out, err = capsys.readouterr()
    finding = json.loads(out)
    assert finding["evidence"] == ["1", "2"]
    assert "colour (1)" in err
    stats = json.loads((place / "stats.json").read_text())
    assert (stats["events"], stats["findings"]) == (3, 1)
    assert stats["by_rule"] == {"5f0d9c1e-52b1-4f6e-9a07-5a3f8c1f2b11": 1}
    assert set(stats["latency_us"]) == {"mean", "p50", "p99", "p99.9", "max"}


def test_the_same_rules_give_the_same_pack(place: Path) -> None:
    assert run(["pack", "build", "rules", "--out", "y.pack", "--key", "k", "--name", "x"]) == 0
    assert (place / "x.pack").read_bytes() == (place / "y.pack").read_bytes()


TEST = """[[case]]
name = "a key, then curl"
fires = ["2"]
events = '''
{"kind": "file/open", "file.path": "/r/id_rsa"}
{"kind": "process/exec", "process.executable": "/usr/bin/curl"}
'''
"""


def test_the_tests_beside_rules_are_in_the_pack_as_its_own_vectors(place: Path) -> None:
    (place / "rules" / "r.test.toml").write_text(TEST)
    assert run(["pack", "build", "rules", "--out", "y.pack", "--key", "k"]) == 0
    scorer = Scorer.load("y.pack", trust=["k.pub"])
    (vector,) = scorer.payload.evidence["vectors"]
    assert vector["findings"] == ["5f0d9c1e-52b1-4f6e-9a07-5a3f8c1f2b11"]
    assert self_test(scorer) == []
    vector["events"].pop()
    (fault,) = self_test(scorer)
    assert fault.startswith("vector r.test.toml: a key, then curl: fires []")
    (place / "rules" / "r.test.toml").write_text(TEST.replace("/r/id_rsa", '/r/id_rsa", "x": "y'))
    assert run(["pack", "build", "rules", "--out", "z.pack", "--key", "k"]) == 2


def test_an_unknown_signer_is_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["pack", "keygen", "--out", "other", "--no-trust"]) == 0
    assert run(["pack", "verify", "x.pack"]) == 0
    assert run(["pack", "verify", "x.pack", "--trust", "other.pub"]) == 2
    assert "unknown key" in capsys.readouterr().err


def test_what_a_pack_holds(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(["pack", "inspect", "x.pack", "--format", "json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert [rule["title"] for rule in content["plan"]["rules"]][-1] == "Key, then upload"
    assert len(content["evidence"]["rules"]) == 3


def test_what_differs(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["pack", "diff", "x.pack", "x.pack"]) == 0
    (place / "rules" / "r.yml").write_text(RULES.replace("1m", "2m") + "level: high\n")
    assert run(["pack", "build", "rules", "--out", "y.pack", "--key", "k"]) == 0
    capsys.readouterr()
    assert run(["pack", "diff", "x.pack", "y.pack"]) == 1
    lines = capsys.readouterr().out
    assert "Key, then upload" in lines
    assert "level" in lines
    assert "60000000000" in lines


def test_a_condition_differs_by_its_tests(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "rules" / "r.yml").write_text(RULES.replace("/curl}", "[/wget, /curl], User: x}"))
    assert run(["pack", "build", "rules", "--out", "y.pack", "--key", "k"]) == 0
    capsys.readouterr()
    assert run(["pack", "diff", "x.pack", "y.pack"]) == 1
    out = capsys.readouterr().out
    assert "~ Upload starts (upload): condition: " in out
    assert "+ process.executable ends with '/wget', + user.name is 'x'" in out
    assert "~ evidence: rules" in out
    (place / "rules" / "r.yml").write_text(RULES.replace("condition: s}", "condition: not s}"))
    assert run(["pack", "build", "rules", "--out", "z.pack", "--key", "k"]) == 0
    assert run(["pack", "diff", "x.pack", "z.pack"]) == 1
    assert "the same tests, put together otherwise" in capsys.readouterr().out


def test_why_it_fired(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(["explain", "x.pack", "events.jsonl", "2", "--rule", "Key, then upload"]) == 0
    assert "fired on event 2\n  because key → upload within 1 min: events 1, 2" in capsys.readouterr().out


def test_which_condition_of_which_step_stopped_it(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(["explain", "x.pack", "events.jsonl", "1", "--rule", "Key, then upload"]) == 0
    out = capsys.readouterr().out
    assert "step 1, Tool reads a key: this event matches" in out
    assert "step 2, Upload starts: no event has matched" in out
    assert "it looks at process/exec that did not fail; this event is file/open" in out
    assert run(["explain", "x.pack", "events.jsonl", "3", "--rule", "upload"]) == 0
    out = capsys.readouterr().out
    assert "no  process.executable ends with '/curl' (it is '/usr/bin/wget')" in out


def test_misuse_is_one_line(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (
        ["explain", "x.pack", "events.jsonl", "99"],
        ["explain", "x.pack", "events.jsonl", "1", "--rule", "none"],
        ["score", "x.pack", "none.jsonl"],
        ["score", "none.pack", "events.jsonl"],
        ["pack", "build", "rules", "--out", "z.pack", "--key", "k.pub"],
        ["pack", "build", "rules", "--out", "z.pack", "--key", "k", "--expires", "soon"],
        ["pack", "build", "rules", "--out", "z.pack", "--key", "k", "--expires", "2020-01-01T00:00:00Z"],
        ["pack", "build", "rules", "--out", "z.pack", "--key", "k", "--version", "nightly"],
        ["pack", "keygen", "--out", "k"],
    ):
        capsys.readouterr()
        assert run(arguments) == 2, arguments
        assert capsys.readouterr().err.count("\n") == 1
    assert not (place / "z.pack").exists()


def test_refused_rules_can_be_left_out(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "rules" / "bad.yml").write_text(
        "title: Bad\nlogsource: {category: registry_event}\ndetection: {s: {Image: x}, condition: s}\n"
    )
    assert run(["pack", "build", "rules", "--out", "z.pack", "--key", "k"]) == 2
    assert run(["pack", "build", "rules", "--out", "z.pack", "--key", "k", "--skip-refused"]) == 0
    assert "left out" in capsys.readouterr().err
