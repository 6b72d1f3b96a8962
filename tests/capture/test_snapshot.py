"""What runs is told as text, whatever bytes its names have."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from capture.snapshot import describe
from workbench.event import to_json


def test_names_of_any_bytes_are_told_as_text(tmp_path: Path) -> None:
    place = Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad-\xff"))
    place.mkdir()
    held = (place / "held").open("w")
    with held, subprocess.Popen(["sleep", "30"], cwd=place, stdout=held) as process:
        events = list(describe(process.pid, "boot"))
        process.kill()
    assert "bad-\ufffd" in str(events[0]["process.working_directory"])
    assert any(str(event.get("file.path", "")).endswith("bad-\ufffd/held") for event in events)
    assert all(to_json(event) for event in events)
