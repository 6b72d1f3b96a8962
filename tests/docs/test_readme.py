"""The finding that the README shows is one that the shipped rules make on the shipped recordings."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec

from workbench.dataset.recording import Recording
from workbench.evaluate.load import load_payload
from workbench.scorer import Scorer

ROOT = Path(__file__).parents[2]


def test_the_finding_is_real() -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    scorer = Scorer.from_payload(load_payload(ROOT / "rules"))
    recording = Recording.open(ROOT / "datasets/quickstart/recordings/run-06")
    found = [msgspec.to_builtins(f) for event in recording.events() for f in scorer.score(event)]
    assert json.loads(shown) in found
