"""Recorders that are killed, interrupted or run out of disk lose nothing silently."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import capture.recorder
from capture.assemble import recover
from capture.spool import read_events
from workbench.dataset.recording import Recording
from workbench.errors import RecordingError

pytestmark = pytest.mark.live

CHATTY = "while :; do /bin/true; done"
WORKBENCH = str(Path(sys.executable).with_name("workbench"))
RECORD = [WORKBENCH, "record", "--source", "bcc", "--out"]


def started(out: Path) -> tuple[subprocess.Popen[bytes], Path]:
    """Start a recorder and wait until it has spooled some execs."""
    told = out.parent / "told"
    with told.open("wb") as stderr:
        recorder = subprocess.Popen([*RECORD, str(out), "--", "/bin/bash", "-c", CHATTY], stderr=stderr)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for spool in out.parent.glob("*.spool"):
            if spool.stat().st_size > 100_000:
                return recorder, spool
        time.sleep(0.05)
    recorder.kill()
    recorder.wait()
    raise AssertionError(f"nothing was spooled: {told.read_text()}")


def end_tree(spool: Path) -> None:
    """End the shell that the killed recorder left behind, by the id that the spool tells."""
    root = next(e for e in read_events(spool) if e["event.action"] == "exec")
    subprocess.run(["kill", "-9", str(root["process.pid"])], check=True)


def test_what_was_flushed_before_kill_9_reads_back(tmp_path: Path) -> None:
    recorder, spool = started(tmp_path / "r")
    flushed = {e["event.id"] for e in read_events(spool)}
    recorder.kill()
    recorder.wait()
    end_tree(spool)
    assert not (tmp_path / "r").exists()
    recording = recover(spool, tmp_path / "recovered")
    assert flushed
    assert flushed <= {e["event.id"] for e in recording.events()}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_recording_is_whole(tmp_path: Path, number: int) -> None:
    recorder, spool = started(tmp_path / "r")
    recorder.send_signal(number)
    try:
        assert recorder.wait(timeout=120) == 130
    finally:
        if recorder.poll() is None:
            recorder.kill()
            end_tree(spool)
    recording = Recording.open(tmp_path / "r")
    session = recording.session
    assert "interrupted" in session.notes
    assert session.sent == session.received + session.loss.dropped
    assert not spool.exists()
    assert [e["event.action"] for e in recording.events()][-1] == "session_end"


def test_a_full_disk_is_a_counted_loss(tmp_path: Path) -> None:
    script = (
        "import resource, signal, sys; from pathlib import Path; from capture.recorder import Recorder;"
        "from capture.source import open_source;"
        "r = Recorder(open_source('bcc'), spool=Path(sys.argv[1]) / 'x.spool');"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, resource.RLIM_INFINITY));"
        "r.run(['/bin/bash', '-c', 'for i in $(seq 200); do /bin/true; done']);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY));"
        "r.finish(Path(sys.argv[1]) / 'r')"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)
    recording = Recording.open(tmp_path / "r")
    session = recording.session
    assert session.loss.detail["disk_full"] == session.loss.dropped > 0
    assert session.received + session.loss.dropped == session.sent
    assert session.received == len(list(recording.events())) - 2
    assert "could not be written" in session.notes[0]


def test_without_room_for_the_recording_its_spool_stays_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(capture.recorder, "write", full)
        with pytest.raises(RecordingError, match="No space left on device") as told:
            capture.recorder.record(["/bin/true"], tmp_path / "r")
    (spool,) = tmp_path.glob(".r.*.spool")
    assert f"workbench import spool {spool} --out {tmp_path / 'r'}" in str(told.value)
    assert not (tmp_path / "r").exists()
    recovered = recover(spool, tmp_path / "r")
    assert any(event["event.action"] == "exec" for event in recovered.events())


def test_planted_secrets_reach_neither_spool_nor_recording(tmp_path: Path) -> None:
    secret = "gh" + "p_" + "Zz9" * 12
    script = (
        f"curl -s --max-time 1 'http://127.0.0.1:9/?token={secret}' -H 'Authorization: Bearer {secret}';"
        f"cd {tmp_path}; echo x > {secret}; PASSWORD={secret} /bin/true password={secret}; cat {secret}"
    )
    command = [*RECORD, str(tmp_path / "r"), "--", "/bin/bash", "-c", script]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    recording = Recording.open(tmp_path / "r")
    everything = str(list(recording.events())) + str(recording.session)
    assert secret not in everything
    assert everything.count("[redacted:") > 5
