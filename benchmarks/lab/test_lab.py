"""JupyterLab as a person has it: started by `workbench lab`, driven in Chromium; pictures go to build/lab."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import nbformat
import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

from workbench.dataset.dataset import Dataset
from workbench.dataset.recording import Recording

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "build" / "lab"
PATIENCE_S = 300
_AGAIN_S = 15
RULE = """title: curl runs
logsource: {category: process_creation}
detection: {s: {Image|endswith: /curl}, condition: s}
"""
WIDGETS = (
    f"import workbench as wb\nwb.edit_rule({RULE!r}, scenario='secret-to-egress*')",
    "wb.label('../session')",
    "wb.browse()",
)
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a place like the checkout, whose notebooks may be written to."""
    place = tmp_path_factory.mktemp("lab")
    for name in ("datasets", "rules", "examples"):
        (place / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "notebooks", place / "notebooks")
    attack = next(run for run in Dataset.open(ROOT / "datasets/quickstart").recordings() if run.malicious)
    shutil.copytree(attack.path, place / "session")
    (place / "session" / "labels.parquet").unlink()
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in WIDGETS],
        metadata=nbformat.read(place / "notebooks" / "00_quickstart.ipynb", as_version=4).metadata,
    )
    nbformat.write(notebook, place / "notebooks" / "widgets.ipynb")
    return place


@pytest.fixture(scope="module")
def address(checkout: Path) -> Iterator[str]:
    """Start `workbench lab` there; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = checkout / ".jupyter"
    for name, content in SETTINGS.items():
        file = config / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content))
    server = {"ServerApp": {"open_browser": False, "port": port, "ip": "127.0.0.1"}}
    (config / "jupyter_server_config.json").write_text(json.dumps(server))
    environment = os.environ | {
        "JUPYTER_TOKEN": "browser",
        "JUPYTER_CONFIG_DIR": str(config),
        "JUPYTERLAB_SETTINGS_DIR": str(config / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(config / "workspaces"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    log = (checkout / "lab.log").open("wb")
    command = [str(Path(sys.executable).with_name("workbench")), "lab"]
    with log, subprocess.Popen(command, cwd=checkout, env=environment, stdout=log, stderr=log) as running:
        try:
            base = f"http://127.0.0.1:{port}"
            _wait_for(f"{base}/api?token=browser", running)
            yield base
        finally:
            running.send_signal(signal.SIGTERM)


def _wait_for(url: str, running: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and running.poll() is None:
        try:
            with urlopen(url):  # noqa: S310 - our own server
                return
        except URLError:
            time.sleep(0.2)
    raise AssertionError("JupyterLab did not start: see lab.log")


@pytest.fixture(scope="module")
def page(address: str) -> Iterator[Page]:
    """Open Chromium on it."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        found = shutil.which("chromium") or playwright.chromium.executable_path
        if not Path(found).exists():
            pytest.skip("no browser: apt install chromium, or playwright install chromium")
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=found, args=arguments)
        context = browser.new_context(viewport={"width": 1280, "height": 1000})
        context.set_default_timeout(PATIENCE_S * 1000)
        expect.set_options(timeout=PATIENCE_S * 1000)
        page = context.new_page()
        page.goto(f"{address}/lab?token=browser")
        yield page
        browser.close()


def run_all(page: Page, address: str, file: Path) -> nbformat.NotebookNode:
    """Open a notebook, run all its cells, and give it as it was saved."""
    page.goto(f"{address}/lab/tree/notebooks/{file.name}?reset")
    expect(page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell").first).to_be_visible()
    expect(page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").first).to_be_visible()
    end, again = time.monotonic() + PATIENCE_S, 0.0
    begun = page.locator(".jp-InputPrompt", has_text=re.compile(r"\[(\*|\d+)\]"))
    while time.monotonic() < end:
        assert not (dialog := page.locator(".jp-Dialog")).count(), dialog.first.inner_text()
        if not begun.count() and time.monotonic() > again:  # told before the kernel listened, it is lost
            page.get_by_role("menuitem", name="Run", exact=True).click()
            page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
            again = time.monotonic() + _AGAIN_S
        time.sleep(1)
        page.keyboard.press("Control+s")
        try:
            notebook = nbformat.read(file, as_version=4)
        except nbformat.reader.NotJSONError:  # it is being written
            continue
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        failed = [out for cell in code for out in cell.outputs if out.output_type == "error"]
        assert not failed, f"{failed[0].ename}: {failed[0].evalue}"
        if all(cell.execution_count for cell in code):
            return notebook
    raise AssertionError(f"{file.name} did not end")


@pytest.mark.parametrize("name", ["00_quickstart", "40_exfiltration_sequences"])
def test_a_notebook_runs_from_top_to_bottom(name: str, page: Page, address: str, checkout: Path) -> None:
    """No cell fails, and what is to be seen is there."""
    began = time.monotonic()
    run_all(page, address, checkout / "notebooks" / f"{name}.ipynb")
    print(f"{name}: opened and run in {time.monotonic() - began:.0f} s")
    drawn = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .wb, .jp-OutputArea-output svg")
    expect(drawn.first).to_be_visible()
    page.screenshot(path=PICTURES / f"{name}.png")


def test_a_rule_typed_into_the_editor_changes_its_backtest_and_a_label_stays(
    page: Page, address: str, checkout: Path
) -> None:
    """The widgets do what they say by keyboard alone, and the notebook does not take their keys."""
    file = checkout / "notebooks" / "widgets.ipynb"
    run_all(page, address, file)
    cells = page.locator(".jp-Notebook .jp-Cell")
    count = cells.count()

    editor = page.locator(".wbw", has=page.get_by_label("Sigma rule"))
    expect(editor).to_contain_text("caught 3 of 3")
    editor.get_by_label("Sigma rule").fill(RULE.replace("/curl", "/nothing-of-the-kind"))
    expect(editor).to_contain_text("caught 0 of 3")
    editor.get_by_label("Sigma rule").fill(RULE.replace("Image", "Imagine"))
    expect(editor).to_contain_text("did you mean")
    page.screenshot(path=PICTURES / "rule-editor.png")

    labelled(page).focus()
    for key in ("End", "Home", "ArrowDown", "m", "ArrowDown", "b"):
        page.keyboard.press(key)
    rows = labelled(page).get_by_role("option")
    expect(rows.nth(1)).to_contain_text("malicious")
    expect(rows.nth(2)).to_contain_text("benign")
    page.keyboard.press("s")
    expect(page.locator(".wbw .message", has_text="labels saved")).to_be_visible()
    page.screenshot(path=PICTURES / "labeller.png")
    assert cells.count() == count, "a key meant for the labeller changed the notebook"
    labels = {one.label for one in Recording.open(checkout / "session").labels()}
    assert labels == {"malicious", "benign"}

    run_all(page, address, file)
    expect(labelled(page).get_by_role("option").nth(1)).to_contain_text("malicious")

    sessions = page.get_by_label("sessions; Enter opens")
    sessions.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".wbw details").first).to_be_visible()
    page.screenshot(path=PICTURES / "session-browser.png")


def labelled(page: Page) -> Locator:
    """Give the labeller's list of events."""
    return page.get_by_role("listbox", name="events", exact=True)
