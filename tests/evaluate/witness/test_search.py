"""The command finds what a rule needs of a recording, and of a benign twin what it just does not fire on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.evaluate.conftest import CURL, Record, network, opened
from workbench.cli import run
from workbench.dataset.recording import Recording
from workbench.evaluate.witness.case_text import case_text
from workbench.evaluate.witness.oracle import Oracle
from workbench.evaluate.witness.scan import scan, scan_recording
from workbench.evaluate.witness.witness import Witness, shortest
from workbench.rule import load
from workbench.rule.linting import lint_paths
from workbench.rule.lower import lower
from workbench.rule.vectors import parse_cases, payload_of, read_case_events
from workbench.scorer import Scorer
from workbench.scorer.plan import decode_plan

RULES = """title: Key is read
name: key
id: 11111111-0000-4000-8000-000000000001
logsource: {category: file_access}
detection:
  s: {TargetFilename|endswith: .pem}
  condition: s
---
title: Outside is reached
name: reached
id: 11111111-0000-4000-8000-000000000002
logsource: {category: network_connection}
detection:
  s: {Image|endswith: /curl, destination.class: external}
  own: {DestinationIp: 198.51.100.9}
  condition: s and not own
---
title: Key is read, then outside is reached
id: 11111111-0000-4000-8000-000000000003
correlation: {type: temporal_ordered, rules: [key, reached], timespan: 1h}
workbench:
  recordings: [leak]
  twins: [calm]
---
title: Nothing does this
id: 11111111-0000-4000-8000-000000000004
logsource: {category: file_delete}
detection: {s: {TargetFilename: /no/such}, condition: s}
"""


@pytest.fixture
def world(tmp_path: Path, record: Record) -> tuple[Path, Path]:
    """Rules, and a leak among other work with its twin, which connects to a host that is allowed."""
    work = [("", opened(f"/a{number}.txt")) for number in range(30)]
    leak = [*work, ("read", opened("/home/lena/k.pem")), *work, ("send", network("connect", "198.51.100.7"))]
    calm = [*work, ("", opened("/k.pem")), ("", network("connect", "198.51.100.9", CURL))]
    record("leak", leak)
    path = record("calm", calm, scenario="leak-benign", twin_of="leak")
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "chain.yml").write_text(RULES)
    return rules, path.parent


def test_the_least_of_an_attack_and_of_its_twin(
    world: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    rules, dataset = world
    title = "Key is read, then outside is reached"
    assert run(["witness", str(rules), str(dataset), "--rule", title, "--format", "json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["cases"]
    fires, near = (parse_cases(text)[0] for text in found["cases"])
    assert (fires.name, fires.fires) == ("fires: 2 of the 62 events of leak (recordings 0), leak", ["2"])
    first, second = read_case_events(fires.events)
    assert first["file.path"] == "/home/dev/k.pem"
    assert second.keys() - first.keys() == {"destination.ip", "process.executable"}
    assert near.fires == []
    assert near.name.startswith("does not fire, as destination.ip is '198.51.100.9': 2 of the 32 events")


def test_a_recording_of_no_scenario_is_called_by_its_labels(record: Record, tmp_path: Path) -> None:
    (tmp_path / "r.yml").write_text(RULES)
    scorer = Scorer(payload_of(decode_plan(lower(load(tmp_path)))))
    runs = [
        record(name, [(step, opened("/k.pem"))], scenario="") for name, step in (("a", "read"), ("b", ""))
    ]
    stories = [scan_recording(Recording.open(run), scorer, ()).story for run in runs]
    assert stories == ["an attack", "ordinary work"]


def test_what_it_writes_lint_runs_and_it_writes_no_more(
    world: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    rules, dataset = world
    test = rules / "chain.test.toml"
    test.write_text("")
    command = ["witness", str(rules), str(dataset), "--write"]
    assert lint_paths([rules]).errors  # no file of cases yet
    test.unlink()
    assert run(command) == 1
    assert "no recording fires 'Nothing does this'" in capsys.readouterr().err
    written = test.read_bytes()
    report = lint_paths([rules])
    assert report.errors == []
    (untested,) = (fault for fault in report.warnings if fault.code == "no-test")
    assert "1 rule is fired by no test" in untested.cause
    assert run(command) == 1
    assert test.read_bytes() == written
    test.unlink()
    run(command)
    assert test.read_bytes() == written


def test_a_case_by_hand_stays_and_a_step_it_fires_needs_no_other(world: tuple[Path, Path]) -> None:
    rules, dataset = world
    own = """[[case]]
name = "by hand"
rule = "key"
events = '''
{"kind": "file/read", "file.path": "/k.pem"}
'''
fires = ["1"]
"""
    (rules / "chain.test.toml").write_text(own)
    run(["witness", str(rules), str(dataset), "--write"])
    text = (rules / "chain.test.toml").read_text()
    assert text.startswith(own)
    assert lint_paths([rules]).errors == []
    assert text.count("[[case]]") == 3


def test_events_without_an_id_are_told_apart(world: tuple[Path, Path]) -> None:
    rules, _ = world
    plan = decode_plan(lower(load(rules)))
    rule = next(number for number, rule in enumerate(plan.rules) if rule.correlation)
    stream = [
        {"@timestamp": at, "event.category": category, "event.action": action, **fields}
        for at, category, action, fields in (
            (1, "file", "read", {"file.path": "/k.pem"}),
            (2, "network", "connect", {"process.executable": CURL, "destination.class": "external"}),
        )
    ]
    seen = scan(stream, Scorer(payload_of(plan)), {rule}, name="n", story="s", guilty=set())
    witness = shortest(seen, rule, Oracle(plan, [rule], {}))
    assert witness is not None
    assert len(witness.events) == 2


def test_a_rule_that_is_not_there_is_misuse(
    world: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    rules, dataset = world
    assert run(["witness", str(rules), str(dataset), "--rule", "nonesuch"]) == 2
    assert "no rule 'nonesuch'" in capsys.readouterr().err


def test_a_strangers_text_stays_text() -> None:
    path = "'''\x7f\x1b]\u202e\n\\\"\U0001f600"
    event = {"@timestamp": 1, "event.category": "file", "event.action": "open", "file.path": path}
    text = case_text(Witness([event], "run\x1b-1", "a '''\n\"b", True, 1, but="\x07"), ["1"], "d 1", path)
    (case,) = parse_cases(text)
    assert [told["file.path"] for told in read_case_events(case.events)] == [path]
    assert all(sign.isprintable() or sign == "\n" for sign in text)
