"""A checkout of rules for Linux and macOS loads as it is; what cannot be honoured is refused in its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.cli import run
from workbench.pack.keys import generate_key
from workbench.rule.linting import Report, lint_paths

CHECKOUT = Path(__file__).parent / "checkout" / "rules"
REFUSED = {
    ("file_event_lnx_fields.yml", 16, "field"),
    ("file_event_lnx_fields.yml", 19, "field"),
    ("lnx_auditd_count.yml", 18, "aggregation"),
    ("lnx_sshd_brute_force.yml", 6, "logsource-service"),
    ("lnx_sshd_brute_force.yml", 21, "reference"),
    ("modsecurity.yml", 12, "logsource-product"),
    ("proc_creation_lnx_hashes.yml", 18, "unseen"),
    ("proc_creation_lnx_modifier.yml", 17, "modifier"),
    ("yaml.yml", 8, "yaml"),
}


@pytest.fixture(scope="module")
def report() -> Report:
    return lint_paths([CHECKOUT])


def test_every_rule_matches_what_it_should(report: Report) -> None:
    assert [str(fault) for fault in report.errors if fault.code == "test"] == []
    rules = [file for file in CHECKOUT.rglob("*.yml") if file.parent.name != "refused"]
    assert report.tests == len(rules) == 20


def test_what_cannot_be_honoured_is_refused_where_it_stands(report: Report) -> None:
    found = {(Path(one.place.path).name, one.place.line, one.code) for one in report.errors if one.place}
    assert found == REFUSED
    assert all(fault.mend and "^" in fault.excerpt for fault in report.errors)


def test_only_what_no_source_sees_is_doubtful(report: Report) -> None:
    doubts = {(Path(one.place.path).stem, one.code) for one in report.warnings if one.place}
    assert doubts == {
        ("lnx_auditd_account", "unfilled"),
        ("proc_creation_lnx_renamed", "unfilled"),
        ("proc_creation_lnx_hashes", "unfilled"),
    }


def test_it_is_packed_without_what_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    generate_key(tmp_path / "key")
    build = [
        "pack",
        "build",
        str(CHECKOUT),
        "--out",
        str(tmp_path / "p.pack"),
        "--key",
        str(tmp_path / "key"),
    ]
    assert run(build) == 2
    assert "sshd" in capsys.readouterr().err
    assert run([*build, "--skip-refused"]) == 0
    told = capsys.readouterr()
    assert "p.pack: 20 rules" in told.out
    assert told.err.count("left out: ") == len(REFUSED)
