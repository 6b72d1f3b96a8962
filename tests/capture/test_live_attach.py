"""A process that already runs: first what it is and holds, then what it does."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from capture.recorder import Recorder
from capture.source import open_source
from capture.spool import read_events
from workbench.errors import CaptureError

pytestmark = pytest.mark.live

SCRIPT = "exec 7<{held}; sleep 60 & read line; cat {later}; kill $!; /bin/true; :"
BUSY = "while :; do /bin/true; done"


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def children(pid: int) -> list[str]:
    with suppress(OSError):
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [Path(f"/proc/{child}/comm").read_text().strip() for child in found]
    return []


def test_a_running_tree_is_told_and_then_followed(tmp_path: Path) -> None:
    held, later, spool = tmp_path / "held", tmp_path / "later", tmp_path / "s.spool"
    held.write_text("x")
    later.write_text("y")
    recorder = Recorder(open_source("bcc"), spool=spool)
    with subprocess.Popen(
        ["/bin/bash", "-c", SCRIPT.format(held=held, later=later)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    ) as shell:
        wait_until(lambda: "sleep" in children(shell.pid))

        def go_on() -> None:
            wait_until(lambda: spool.exists() and any(read_events(spool)))
            os.write(shell.stdin.fileno(), b"\n")  # type: ignore[union-attr]
            shell.wait()

        thread = threading.Thread(target=go_on)
        thread.start()
        recorder.attach(shell.pid, timeout=120)
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


@pytest.mark.parametrize("source", ["bcc", "strace"])
def test_the_recording_of_a_process_that_never_rests_ends_in_time(source: str, tmp_path: Path) -> None:
    recorder = Recorder(open_source(source))
    with subprocess.Popen(["/bin/bash", "-c", BUSY]) as busy:
        try:
            recorder.attach(busy.pid, timeout=0.5)
            assert busy.poll() is None
        finally:
            busy.kill()
    session = recorder.finish(tmp_path / "r").session
    assert session.received > 10
    assert session.received + session.loss.dropped == session.sent


def test_what_a_command_leaves_behind_does_not_hold_up_its_recording(tmp_path: Path) -> None:
    left = tmp_path / "left"
    recorder = Recorder(open_source("bcc"))
    try:
        assert recorder.run(["/bin/bash", "-c", f"( {BUSY} ) & echo $! > {left}"]) == 0
    finally:
        subprocess.run(["kill", "-9", left.read_text().strip()], check=True)
    session = recorder.finish(tmp_path / "r").session
    assert session.received + session.loss.dropped == session.sent


def test_a_process_that_is_not_there_is_one_clear_line() -> None:
    with pytest.raises(CaptureError, match="mend: give the id of a live process"):
        Recorder(open_source("bcc")).attach(2**22 + 5)
