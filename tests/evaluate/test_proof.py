"""What recordings prove of a rule is counted, makes its maturity, and is written into its file."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.evaluate.conftest import CAT, DELETE, OPEN, SEND, Record, deleted, network, opened
from workbench import cli
from workbench.dataset.dataset import Entry, Manifest
from workbench.errors import InputError
from workbench.evaluate.backtest import backtest
from workbench.evaluate.coverage_page import coverage_page
from workbench.evaluate.proof import Proof, Threshold, read_proof, read_thresholds
from workbench.evaluate.proof_measuring import prove
from workbench.evaluate.proof_writing import write_into_rules
from workbench.rule import load

THRESHOLDS = {
    "stable": Threshold(recordings=2, held_out=1, precision=1.0),
    "test": Threshold(recordings=1, precision=0.5),
}


@pytest.fixture
def proof(record: Record, small: bytes) -> Proof:
    """Two leaks, one of them held out; a wipe; the twin of the leaks, and work that deletes."""
    leak = [("", opened("/a.txt")), ("read", opened("/k.pem")), ("send", network("send", "198.51.100.7"))]
    leak.insert(2, ("connect", network("connect", "198.51.100.7")))
    directories = [
        record("leak1", leak),
        record("leak2", leak, mutator="delay"),
        record("wipe1", [("wipe", deleted("/home/a")), ("", opened("/k.pem", CAT))]),
        record("calm1", [("", opened("/a.txt"))], scenario="leak-benign", twin_of="leak"),
        record("tidy1", [("", deleted("/home/b"))]),
    ]
    splits = {"leak1": "train", "leak2": "test", "wipe1": "test", "calm1": "train", "tidy1": "train"}
    entries = {name: Entry(files={}, split=split) for name, split in splits.items()}  # type: ignore[arg-type]
    return prove(
        backtest(small, directories),
        Manifest(name="made up", version="1", recordings=entries),
        identity="0" * 64,
        digests=dict.fromkeys((SEND, OPEN, DELETE), "d"),
        thresholds=THRESHOLDS,  # type: ignore[arg-type]
    )


def test_a_rule_is_proved_by_findings_that_rest_on_the_attack(proof: Proof) -> None:
    send, opening = proof.rules[SEND], proof.rules[OPEN]
    assert (send.recordings, send.twins, send.agents) == (["leak1", "leak2"], ["calm1"], ["codex"])
    assert send.scenarios == opening.scenarios == {"leak": 2}
    assert (opening.caught, opening.wrong) == (2, 1)


def test_maturity_follows_from_what_was_measured(proof: Proof) -> None:
    assert proof.rules[SEND].maturity == "stable"
    deletes = proof.rules[DELETE]
    assert (deletes.caught, deletes.false_positives, deletes.maturity) == (1, 1, "test")


def test_the_whole_pack_is_counted_by_scenario_split_and_evasion(proof: Proof) -> None:
    assert proof.scenarios["leak"].called == 2
    assert proof.scenarios["leak"].left == 2
    assert proof.attacks["attacks, test split"].recordings == 2
    assert proof.mutators["delay"].recordings == 1
    assert proof.benign["twins"].called == 0
    assert proof.blocked == ["tidy1"]
    assert proof.unseen == ["wipe"]


def test_proofs_are_written_into_rules_and_only_there(proof: Proof, tmp_path: Path) -> None:
    file = tmp_path / "one.yml"
    before = (
        "# why\ntitle: Key is sent out\nid: " + SEND + "\nstatus: experimental\n"
        "logsource: {category: network_connection}\ndetection: {s: {DestinationPort: 443}, condition: s}\n"
        "workbench:\n  risk: 90\n  recordings: [old]\n"
    )
    file.write_text(before)
    assert write_into_rules(load(file), proof.rules) == [file]
    written = file.read_text()
    assert written.startswith("# why\n")
    told = yaml.safe_load(written)
    assert told["status"] == "stable"
    assert told["workbench"] == {"risk": 90, "recordings": ["leak1", "leak2"], "twins": ["calm1"]}
    assert write_into_rules(load(file), proof.rules) == []


def test_a_rule_of_another_form_is_refused_with_its_file(proof: Proof, rules: Path, tmp_path: Path) -> None:
    before = rules.read_text()
    with pytest.raises(InputError, match=r"rules\.yml: 'Key is sent out' cannot be rewritten"):
        write_into_rules(load(rules), proof.rules)
    assert rules.read_text() == before


def test_the_page_tells_gaps_as_well(proof: Proof, rules: Path) -> None:
    page = coverage_page(load(rules), proof)
    assert "| leak | 2/2 | 2/2 | 0/1 | *Key file is opened* 2; Key is sent out 2 |" in page
    assert "| wipe\\* | 1/1 | – | – | Anything deletes 1 |" in page
    assert "Benign sessions blocked: 1." in page
    assert "[T1041](https://attack.mitre.org/techniques/T1041/)" in page


def test_what_is_no_proof_or_threshold_is_refused(tmp_path: Path) -> None:
    for name, read in (("proof.json", read_proof), ("maturity.toml", read_thresholds)):
        (tmp_path / name).write_text("{")
        with pytest.raises(InputError, match=name):
            read(tmp_path / name)


def test_the_command_measures_and_writes(
    record: Record, rules: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = record("leak1", [("send", network("connect", "198.51.100.7"))])
    own = rules.parent / "own"
    own.mkdir()
    (own / "maturity.toml").write_text("[test]\nrecordings = 1\n")
    text = rules.read_text().replace("logsource:", "status: experimental\nlogsource:")
    (own / "rules.yml").write_text(
        text.replace("workbench: {risk: 90, response: alert}", "workbench:\n  risk: 90")
    )
    # Only the first rule is in the form that can be written into.
    (own / "rules.yml").write_text((own / "rules.yml").read_text().split("---\n")[0])
    assert cli.run(["prove", str(own), str(recording.parent.parent), "--write"]) == 0
    assert "Key is sent out" in capsys.readouterr().out
    assert read_proof(own / "proof.json").rules[SEND].maturity == "test"
    assert "status: test" in (own / "rules.yml").read_text()
    page = own / "page.md"
    assert cli.run(["coverage", str(own), "--page", str(page)]) == 0
    assert "# Coverage" in page.read_text()
