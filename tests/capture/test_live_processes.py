"""Process events of live commands, seen by the kernel source."""

from __future__ import annotations

from pathlib import Path

import pytest

from capture.recorder import record

pytestmark = pytest.mark.live


def test_every_exec_is_seen_once(tmp_path: Path) -> None:
    recording = record(["bash", "-c", "for i in $(seq 23); do /bin/true; done"], tmp_path / "r", source="bcc")
    execs = [e for e in recording.events() if e["event.action"] == "exec" and e["process.name"] == "true"]
    assert len(execs) == 23
    assert all(e["process.args"] == ["/bin/true"] for e in execs)
    assert len({e["process.entity_id"] for e in execs}) == 23
    assert recording.session.loss.total() == 0
    assert recording.session.sent == recording.session.received
