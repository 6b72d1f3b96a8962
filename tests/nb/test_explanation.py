"""An event of a dataset is explained, or it is told in one line why not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from workbench.errors import RecordingError
from workbench.nb.explanation import explain_event

ROOT = Path(__file__).parents[2]


def test_a_damaged_recording_is_one_clear_line(tmp_path: Path) -> None:
    run = tmp_path / "recordings" / "run"
    shutil.copytree(ROOT / "datasets/quickstart/recordings/run-02", run)
    (run / "events.parquet").write_bytes(b"PAR1" + bytes(96))
    with pytest.raises(RecordingError, match="not readable as Parquet"):
        explain_event("e1", tmp_path, ROOT / "rules")
