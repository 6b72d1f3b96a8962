"""A rule written in a cell: its faults in place, what it catches and costs, and its way into `rules/`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

import workbench as wb
from workbench.errors import InputError, RecordingError
from workbench.nb.trial import runs
from workbench.nb.trial.save import save
from workbench.nb.trial.trial import Trial
from workbench.rule.linting import lint_paths
from workbench.rule.vectors import read_case_events, read_cases

RULE = """
title: A process that read a key connects out
id: 4f0e9c1e-52b1-4f6e-9a07-5a3f8c1f2b11
tags: [attack.exfiltration, attack.t1041]
logsource: {category: network_connection}
detection:
  selection:
    provenance.labels: [secret, client_credential]
    destination.class: external
  condition: selection
level: high
"""


@pytest.fixture(scope="module")
def trial() -> Trial:
    return wb.try_rules(RULE)


def test_it_tells_what_is_caught_what_is_not_and_what_stopped_the_nearest(trial: Trial) -> None:
    assert trial.caught() == {"secret-to-egress": (3, 3)}
    assert trial.false_alarms() == {"fix-failing-test": (0, 6), "secret-to-egress-benign": (0, 3)}
    assert len(trial.misses[0].stopped_by) == 1
    assert "destination.class is 'external' (destination.class is 'loopback')" in repr(trial)
    assert trial.micros["p50"] > 0


def test_a_fault_is_marked_below_its_line() -> None:
    trial = wb.try_rules(RULE.replace("provenance.labels", "provenance.lables<b>"))
    html = trial._repr_html_()
    assert "[field]" in html
    assert "<b>" not in html
    line = next(n for n, text in enumerate(html.splitlines()) if "provenance.lables" in text)
    assert "^" in html.splitlines()[line + 1]


def test_nothing_is_no_rule() -> None:
    assert repr(wb.try_rules("")).startswith("1 error")


def test_saved_it_passes_lint_with_its_own_test(trial: Trial, tmp_path: Path) -> None:
    rule, test = save(trial, "read-then-send", tmp_path)
    assert rule == tmp_path / "exfiltration" / "read-then-send.yml"
    (case,) = read_cases(test)
    first, *_, last = read_case_events(case.events)
    assert (first["event.action"], last["destination.class"], case.fires) == ("read", "external", ["4"])
    shutil.copytree("rules/label", tmp_path / "label")
    shutil.copy("rules/placeholders.yml", tmp_path)
    found = lint_paths([tmp_path])
    assert (found.errors, {fault.code for fault in found.warnings} & {"unlabelled"}) == ([], set())
    save(trial, "read-then-send", tmp_path)  # one's own again
    rule.write_text(RULE.replace("A process", "Another process"))
    with pytest.raises(InputError, match="another rule has this name"):
        save(trial, "read-then-send", tmp_path)


@pytest.mark.parametrize("name", ["../up", "Name", "a b", ""])
def test_a_name_is_no_path(trial: Trial, name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a name"):
        save(trial, name, tmp_path)


@pytest.fixture(scope="module")
def shell() -> InteractiveShell:
    shell = InteractiveShell()
    before = set(shell.user_ns)
    shell.run_line_magic("load_ext", "workbench")
    assert set(shell.user_ns) == before, "a name was put into the notebook"
    return shell


def test_the_magics_do_the_same(
    shell: InteractiveShell, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tried = shell.run_cell_magic("sigma", f"mine --on datasets/quickstart --save {tmp_path}", RULE)
    assert tried.caught() == {"secret-to-egress": (3, 3)}
    assert (tmp_path / "exfiltration" / "mine.test.toml").is_file()
    assert capsys.readouterr().out.count("wrote ") == 2
    table = shell.run_cell_magic("sql", "", "SELECT recording FROM sessions ORDER BY 1")
    assert len(table.frame) == 12


def test_an_event_is_explained(shell: InteractiveShell, trial: Trial) -> None:
    run, found = next((run, found) for run, found in trial.findings.items() if found)
    told = shell.run_line_magic("explain", f"{found[0].event_id} --in {run}")
    assert f"matches event {found[0].event_id}" in repr(told)
    assert "<pre>" in told._repr_html_()


@pytest.mark.parametrize(
    ("magic", "line", "told"),
    [
        ("explain", "k1", "say which one with --in"),
        ("explain", "nothing-there", "no event 'nothing-there'"),
        ("sigma", "", r"required: name .*usage: %%sigma"),
        ("sigma", "mine --on nowhere", "no such file or directory"),
        ("sigma", "mine --scenario none-of-*", "no scenario fits"),
        ("sigma", "mine --save 'unclosed", "No closing quotation"),
        ("sql", "--of x", "unrecognized arguments"),
    ],
)
def test_misuse_is_told_in_a_line(shell: InteractiveShell, magic: str, line: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        if magic == "explain":
            shell.run_line_magic(magic, line)
        else:
            shell.run_cell_magic(magic, line, RULE)


def test_of_many_events_a_sample_is_taken_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "MOST_EVENTS", 1)
    trial = wb.try_rules(RULE, scenario="secret-to-*")
    assert repr(trial).startswith("1 sessions, a sample of 6 by scenario")


def test_a_query_s_fault_is_told() -> None:
    with pytest.raises(InputError, match="the query failed"):
        wb.query("SELECT nowhere FROM events")


def test_a_damaged_recording_is_one_clear_line(tmp_path: Path) -> None:
    run = tmp_path / "recordings" / "run"
    shutil.copytree(Path(__file__).parents[2] / "datasets/quickstart/recordings/run-02", run)
    (run / "events.parquet").write_bytes(b"PAR1" + bytes(96))
    with pytest.raises(RecordingError, match="not readable as Parquet"):
        runs.read_runs(str(tmp_path))
