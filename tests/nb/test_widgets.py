"""What widgets do when a person acts; that it happens in a browser too is shown by `make browser`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from workbench.dataset.dataset import Dataset
from workbench.dataset.labelling import Labelling
from workbench.dataset.recording import Recording
from workbench.errors import InputError
from workbench.nb.widget import labeller
from workbench.nb.widget.labeller import Labeller
from workbench.nb.widget.rule_editor import RuleEditor
from workbench.nb.widget.session_browser import SessionBrowser
from workbench.scorer import Scorer

QUICKSTART = Path("datasets/quickstart")
RULE = """
title: curl runs <b>
logsource: {category: process_creation}
detection: {s: {Image|endswith: /curl}, condition: s}
tags: [attack.t1041]
"""


@pytest.fixture
def copied(tmp_path: Path) -> Recording:
    attack = next(run for run in Dataset.open(QUICKSTART).recordings() if run.malicious)
    shutil.copytree(attack.path, tmp_path / "copy")
    return Recording.open(tmp_path / "copy")


def act(widget: Any, verb: str, **details: Any) -> None:
    widget._act(widget, {"do": verb, **details}, [])


def test_the_backtest_follows_the_rule_and_is_saved_with_a_test(tmp_path: Path) -> None:
    editor = RuleEditor(dataset=QUICKSTART, scenario="secret-to-egress*", rules=tmp_path)
    act(editor, "try", source=RULE)
    assert "caught 3 of 3" in editor.result
    assert "<b>" not in editor._repr_html_()
    act(editor, "try", source=RULE.replace("/curl", "/nothing"))
    assert "caught 0 of 3" in editor.result
    act(editor, "save", source=RULE.replace("Image", "Imagine"), name="x")
    assert "the rule has faults" in editor.message
    act(editor, "save", source=RULE, name="curl-runs")
    assert "wrote" in editor.message
    assert (tmp_path / "custom" / "curl-runs.test.toml").is_file()


def test_labels_are_saved_and_there_again(copied: Recording) -> None:
    (copied.path / "labels.parquet").unlink()
    widget = Labeller(copied)
    assert "no labels" in widget.message
    call = next(row for row in widget.rows if row[3])
    act(widget, "mark", event=call[0], label="malicious", whole=True, step="send", techniques="T1041, T1567")
    count = len(widget.marks)
    assert count == sum(row[3] == call[3] for row in widget.rows) > 1
    act(widget, "mark", event=call[0], label="", whole=False, step="", techniques="")
    act(widget, "save")
    assert f"{count - 1} labels saved" in widget.message
    again = Labeller(Recording.open(copied.path))
    assert len(again.marks) == count - 1
    label = next(iter(again.labelling.labels.values()))
    assert (label.step, label.techniques, label.labelled_by) == ("send", ["T1041", "T1567"], "hand")
    assert "malicious" in again._repr_html_()


def test_a_released_dataset_is_not_changed() -> None:
    widget = Labeller(next(Dataset.open(QUICKSTART).recordings()))
    act(widget, "save")
    assert "released dataset" in widget.message


@pytest.mark.parametrize(("event", "label"), [("nowhere", "benign"), ("", "evil")])
def test_what_is_no_label_is_refused(event: str, label: str, copied: Recording) -> None:
    with pytest.raises(InputError):
        Labelling(copied).mark([event], label)


def test_only_so_many_events_are_listed_and_it_says_so(
    copied: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labeller, "SHOWN", 5)
    widget = Labeller(copied)
    assert len(widget.rows) == 5
    assert "the first 5 shown" in widget.message
    act(widget, "filter", text="process/exec")
    assert all("process/exec" in row[2] for row in widget.rows)


def test_what_a_recording_says_stays_text(copied: Recording) -> None:
    widget = Labeller(copied)
    named = next(event for event in widget.labelling.events if event["event.id"] in widget.marks)
    hostile = {**named, "file.path": "<img src=x onerror=alert(1)>\x1b[2J"}
    widget.labelling.events = [hostile]
    widget.do_filter("")
    assert "\x1b" not in widget.rows[0][2]
    assert "<img" not in widget._repr_html_()
    # The browser sets such rows as text; as markup only what the kernel has escaped.
    assert "innerHTML" not in widget._esm


def test_sessions_are_found_and_opened() -> None:
    browser = SessionBrowser(QUICKSTART)
    assert browser.message == "12 of 12 sessions"
    act(browser, "filter", text="secret-to-egress-benign")
    assert len(browser.rows) == 3
    act(browser, "open", name=browser.rows[0][0])
    assert "<details" in browser.detail
    act(browser, "open", name="../../etc")
    assert "no session" in browser.message


def test_a_widget_has_a_static_form_and_loads_nothing() -> None:
    bundle, _ = SessionBrowser(QUICKSTART)._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "run-01" in bundle["text/html"]
    assert bundle["text/plain"] == "SessionBrowser: 12 sessions"
    for kind in (SessionBrowser, Labeller, RuleEditor):
        assert "http" not in kind._esm
        assert "import " not in kind._esm
    assert "<script" not in json.dumps(bundle)


def test_a_scorer_shows_its_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    import workbench as wb

    scorer: Scorer = wb.open_scorer("rules")
    browser = SessionBrowser(QUICKSTART, scorer)
    attack = next(row[0] for row in browser.rows if row[1] == "malicious")
    act(browser, "open", name=attack)
    first = browser.detail
    act(browser, "open", name=attack)
    assert "findings" in first
    assert browser.detail == first  # the scorer begins anew
