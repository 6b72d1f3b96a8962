"""The finding that the README shows and draws is one of the shipped rules on a shipped recording."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path

import msgspec

ROOT = Path(__file__).parents[2]


def test_the_finding_is_real() -> None:
    pictures = runpy.run_path(str(ROOT / "docs/pictures.py"))
    found, recording = pictures["finding"]()
    (shown,) = re.findall(r"```json\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert json.loads(shown) == msgspec.to_builtins(found)
    for name, drawn in pictures["draw"](found, recording).items():
        assert (ROOT / "docs/images" / name).read_text() == drawn, f"{name} is stale: run make pictures"
