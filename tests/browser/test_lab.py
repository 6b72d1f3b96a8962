"""What a person does in JupyterLab works: run a notebook, write a rule, label an event, open a session.

Pictures of it stay in `build/lab`.
"""

from __future__ import annotations

import shutil
from typing import Any

import nbformat
import pytest
from playwright.sync_api import expect

from workbench.dataset.dataset import Dataset
from workbench.dataset.recording import Recording

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
RULE = """title: curl runs
logsource: {category: process_creation}
detection: {s: {Image|endswith: /curl}, condition: s}
"""
WIDGETS = (
    f"import workbench as wb\nwb.edit_rule({RULE!r}, scenario='secret-to-egress*')",
    "wb.label('../session')",
    "wb.browse()",
)


@pytest.mark.parametrize("name", ["00_quickstart"])
def test_a_notebook_runs_from_top_to_bottom(name: str, lab: Any) -> None:
    """No cell fails, and what is to be seen is there."""
    lab.run_all(name)
    drawn = lab.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .wb, .jp-OutputArea-output svg")
    expect(drawn.first).to_be_visible()
    lab.picture(name)


def test_a_rule_typed_into_the_editor_changes_its_backtest_and_a_label_stays(lab: Any) -> None:
    """The widgets do what they say by keyboard alone, and the notebook does not take their keys."""
    attack = next(
        run for run in Dataset.open(lab.checkout / "datasets/quickstart").recordings() if run.malicious
    )
    session = lab.checkout / "session"
    shutil.copytree(attack.path, session)
    (session / "labels.parquet").unlink()
    cells = [nbformat.v4.new_code_cell(source) for source in WIDGETS]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=kernel)
    nbformat.write(notebook, lab.checkout / "notebooks" / "widgets.ipynb")

    lab.run_all("widgets")
    cells = lab.page.locator(".jp-Notebook .jp-Cell")
    count = cells.count()

    editor = lab.page.locator(".wbw", has=lab.page.get_by_label("Sigma rule"))
    expect(editor).to_contain_text("caught 3 of 3")
    editor.get_by_label("Sigma rule").fill(RULE.replace("/curl", "/nothing-of-the-kind"))
    expect(editor).to_contain_text("caught 0 of 3")
    editor.get_by_label("Sigma rule").fill(RULE.replace("Image", "Imagine"))
    expect(editor).to_contain_text("did you mean")
    lab.picture("rule-editor")

    labelled = lab.page.get_by_role("listbox", name="events", exact=True)
    labelled.focus()
    for key in ("End", "Home", "ArrowDown", "m", "ArrowDown", "b"):
        lab.page.keyboard.press(key)
    expect(labelled.get_by_role("option").nth(1)).to_contain_text("malicious")
    expect(labelled.get_by_role("option").nth(2)).to_contain_text("benign")
    lab.page.keyboard.press("s")
    expect(lab.page.locator(".wbw .message", has_text="labels saved")).to_be_visible()
    lab.picture("labeller")
    assert cells.count() == count, "a key meant for the labeller changed the notebook"
    assert {one.label for one in Recording.open(session).labels()} == {"malicious", "benign"}

    lab.run_all("widgets")
    labelled = lab.page.get_by_role("listbox", name="events", exact=True)
    expect(labelled.get_by_role("option").nth(1)).to_contain_text("malicious")

    sessions = lab.page.get_by_label("sessions; Enter opens")
    sessions.focus()
    lab.page.keyboard.press("ArrowDown")
    lab.page.keyboard.press("Enter")
    expect(lab.page.locator(".wbw details").first).to_be_visible()
    lab.picture("session-browser")
