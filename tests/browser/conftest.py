"""JupyterLab as a person has it: started by `workbench lab` in a copy of the checkout, opened in Chromium."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import nbformat
import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Locator, Page, expect, sync_playwright

ROOT = Path(__file__).parents[2]
PATIENCE_S = 300
_SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
# Run every cell of the notebook in front on a fresh kernel, save it; false when a busy server lost a message.
_RUN_ALL = """async (seconds) => {
  await jupyterapp.restored;
  const panel = jupyterapp.shell.currentWidget;
  await panel.context.ready;
  await panel.sessionContext.ready;
  if (!panel.sessionContext.session) await panel.sessionContext.changeKernel({ name: "python3" });
  const kernel = panel.sessionContext.session.kernel;
  const after = (span) => new Promise((resolve) => setTimeout(() => resolve(false), 1000 * span));
  const asked = () => kernel.requestExecute({ code: "", store_history: false }).done.then(() => true);
  const answered = async () => {
    for (let tries = 0; tries < 30 && !(await Promise.race([asked(), after(5)])); tries++);
  };
  // A restart while the connection is being made can break it; what a kernel says before we listen is lost.
  await answered();
  await kernel.restart();
  await answered();
  const late = after(seconds);
  const ended = jupyterapp.commands.execute("notebook:run-all-cells").then(() => true);
  const done = await Promise.race([ended, late]);
  await panel.context.save();
  return done;
}"""


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab, a page on it, and the place whose notebooks may be written to."""

    checkout: Path
    address: str
    page: Page
    pictures: Path

    def run_all(self, name: str) -> None:
        """Open a notebook, run all its cells and save it; raises AssertionError with the fault of a cell."""
        self.page.goto(f"{self.address}/lab/tree/notebooks/{name}.ipynb?reset")
        expect(self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell").first).to_be_visible()
        done = any(self.page.evaluate(_RUN_ALL, PATIENCE_S) for _ in range(2))
        cells = nbformat.read(self.checkout / "notebooks" / f"{name}.ipynb", as_version=4).cells
        code = [cell for cell in cells if cell.cell_type == "code"]
        failed = [out for cell in code for out in cell.outputs if out.output_type == "error"]
        assert not failed, f"{failed[0].ename}: {failed[0].evalue}"
        assert done, f"{name} did not end"
        assert all(cell.execution_count for cell in code), f"not every cell of {name} was run"

    def set_theme(self, name: str) -> None:
        """Change the theme as the settings menu does."""
        self.page.evaluate("(theme) => jupyterapp.commands.execute('apputils:change-theme', { theme })", name)

    def picture(self, name: str, of: Locator | None = None) -> None:
        """Keep a picture of the window, or of a part of it."""
        (of or self.page).screenshot(path=self.pictures / f"{name}.png")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a place like the checkout."""
    place = tmp_path_factory.mktemp("lab")
    for name in ("datasets", "rules", "examples"):
        (place / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "notebooks", place / "notebooks")
    return place


@pytest.fixture(scope="module")
def address(checkout: Path) -> Iterator[str]:
    """Start `workbench lab` there; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = checkout / ".jupyter"
    for name, content in _SETTINGS.items():
        file = config / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content))
    server = {
        "ServerApp": {"open_browser": False, "port": port, "ip": "127.0.0.1"},
        "LabApp": {"expose_app_in_browser": True},
    }
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
            _wait_for(f"{base}/api/kernelspecs?token=browser", running)
            yield base
        finally:
            running.send_signal(signal.SIGTERM)


def _wait_for(url: str, running: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and running.poll() is None:
        try:
            with urlopen(url):
                return
        except URLError:
            time.sleep(0.2)
    raise AssertionError("JupyterLab did not start: see lab.log")


@pytest.fixture(scope="module")
def lab(request: pytest.FixtureRequest, checkout: Path) -> Iterator[Lab]:
    """Open Chromium on JupyterLab; skips with the reason where there is no browser."""
    with sync_playwright() as playwright:
        found = shutil.which("chromium") or playwright.chromium.executable_path
        if not Path(found).exists():
            pytest.skip("no browser: apt install chromium, or playwright install chromium")
        address = request.getfixturevalue("address")
        arguments = ["--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        try:
            browser = playwright.chromium.launch(executable_path=found, args=arguments)
        except PlaywrightError as error:
            pytest.skip(f"the browser does not start here: {str(error).partition(chr(10))[0]}")
        context = browser.new_context(viewport={"width": 1280, "height": 1000})
        context.set_default_timeout(PATIENCE_S * 1000)
        expect.set_options(timeout=PATIENCE_S * 1000)
        page = context.new_page()
        page.goto(f"{address}/lab?token=browser")
        pictures = ROOT / "build" / "lab"
        pictures.mkdir(parents=True, exist_ok=True)
        yield Lab(checkout, address, page, pictures)
        browser.close()
