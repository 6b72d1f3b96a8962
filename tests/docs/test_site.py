"""The site builds without a warning, and what the code says itself is in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    words = [
        "-q",
        "-W",
        "--keep-going",
        "-d",
        str(tmp_path / "trees"),
        str(ROOT / "docs"),
        str(tmp_path / "site"),
    ]
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", *words], capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    told = {
        "events.html": ("gen_ai.tool.call.id", "token_refresh", "TargetFilename"),
        "command-line.html": ("--skip-refused",),
        "rule-keys.html": ("false_positive_budget", "network_connection"),
        "errors.html": ("logsource-product", "SignatureError", "nothing half-written was left"),
    }
    for page, texts in told.items():
        html = (tmp_path / "site" / page).read_text()
        assert "generated:" not in html
        assert not [text for text in texts if text not in html]
