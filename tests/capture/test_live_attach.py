"""A process that already runs: first what it is and holds, then what it does."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from capture.recorder import Recorder
from capture.source import open_source
from workbench.errors import CaptureError

pytestmark = pytest.mark.live

SCRIPT = "exec 7<{held}; sleep 60 & read line; cat {later}; kill $!; /bin/true; :"


def test_a_running_tree_is_told_and_then_followed(tmp_path: Path) -> None:
    held, later = tmp_path / "held", tmp_path / "later"
    held.write_text("x")
    later.write_text("y")
    recorder = Recorder(open_source("bcc"))
    with subprocess.Popen(
        ["/bin/bash", "-c", SCRIPT.format(held=held, later=later)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    ) as shell:
        assert shell.stdin is not None
        time.sleep(0.2)

        def go_on() -> None:
            time.sleep(0.5)
            os.write(shell.stdin.fileno(), b"\n")  # type: ignore[union-attr]
            shell.wait()

        thread = threading.Thread(target=go_on)
        thread.start()
        recorder.attach(shell.pid, timeout=20)
        thread.join()
    recording = recorder.finish(tmp_path / "r")
    events = list(recording.events())
    told = [e for e in events if e["event.provider"] == "procfs"]
    programs = [e["process.name"] for e in told if e["event.action"] == "exec"]
    assert programs == ["bash", "sleep"]
    assert any(e.get("file.path") == str(held) and e["process.name"] == "bash" for e in told)
    seen = [e for e in events if e["event.provider"] == "bcc"]
    assert any(e.get("file.path") == str(later) and e["process.name"] == "cat" for e in seen)
    (true,) = [e for e in seen if e["event.action"] == "exec" and e["process.name"] == "true"]
    assert (
        true["process.parent.entity_id"] == recording.session.root_entity_id == told[0]["process.entity_id"]
    )
    (killed,) = [e for e in seen if e["event.action"] == "signal"]
    assert killed["process.target.entity_id"] == next(
        e["process.entity_id"] for e in told if e["process.name"] == "sleep"
    )
    assert recording.session.sent == recording.session.received


def test_a_process_that_is_not_there_is_one_clear_line() -> None:
    with pytest.raises(CaptureError, match="mend: give the id of a live process"):
        Recorder(open_source("bcc")).attach(2**22 + 5)
