"""What the kernel source loses or cannot see is counted, exactly."""

from __future__ import annotations

import ctypes
import sys
import time
from pathlib import Path

import pytest

from capture.bcc.source import BccSource
from capture.recorder import Recorder, record
from workbench.event import Value

pytestmark = pytest.mark.live

OPENS = 20_000
GET_TIMERSLACK = 30  # linux/prctl.h
prctl = ctypes.CDLL(None).prctl
STORM = f"for _ in range({OPENS}): open('/etc/hostname').close()"


class Dawdling(BccSource):
    """A source whose reader comes late to every look, however fast the machine is."""

    def poll(self, timeout: float) -> list[dict[str, Value]]:
        time.sleep(0.1)
        return super().poll(timeout)


def test_received_and_lost_add_up_to_sent_under_a_ring_too_small(tmp_path: Path) -> None:
    recorder = Recorder(Dawdling(ring_mb=1 / 256))
    recorder.run([sys.executable, "-c", STORM])
    recording = recorder.finish(tmp_path / "r")
    session = recording.session
    assert session.loss.dropped > 0
    assert session.received + session.loss.dropped == session.sent
    assert session.received == sum(e["event.category"] != "agent" for e in recording.events())
    assert session.sent > OPENS


def test_a_rehearsal_tells_of_a_shell_and_is_not_counted(tmp_path: Path) -> None:
    source, timer_slack = BccSource(), prctl(GET_TIMERSLACK)
    told = source.rehearse()
    assert prctl(GET_TIMERSLACK) == timer_slack  # which the command would inherit
    assert {e["process.executable"] for e in told if e["event.action"] == "exec"} >= {
        "/usr/bin/cat",
        "/usr/bin/ls",
    }
    assert (source.sent, source.received, source.lost) == (0, 0, 0)
    recorder = Recorder(source)
    recorder.run(["/bin/true"])
    recording = recorder.finish(tmp_path / "r")
    session, events = recording.session, list(recording.events())
    assert session.received == session.sent < 50
    assert not session.loss.detail
    assert next(e["event.id"] for e in events if e["event.category"] != "agent") == "k1"
    assert {e["process.executable"] for e in events if e["event.action"] == "exec"} == {"/usr/bin/true"}


def test_a_ring_of_the_usual_size_loses_nothing(tmp_path: Path) -> None:
    recording = record([sys.executable, "-c", STORM], tmp_path / "r", source="bcc")
    opens = [e for e in recording.events() if e.get("file.path") == "/etc/hostname"]
    assert len(opens) == OPENS
    assert recording.session.loss.total() == 0


def test_what_cannot_be_seen_is_counted(tmp_path: Path) -> None:
    script = Path(__file__).with_name("blindspots.py")
    recording = record([sys.executable, str(script)], tmp_path / "r", source="bcc")
    assert recording.session.exit_code == 0
    assert recording.session.loss.not_visible == {"io_uring": 1, "compat32": 1}
    (asked,) = [e for e in recording.events() if e.get("dns.question.name") == "long.example"]
    assert asked["dns.question.type"] == "TXT"
    assert asked["network.transport"] == "tcp"
    (other,) = [e for e in recording.events() if e.get("dns.question.name") == "other.example"]
    assert (other["network.transport"], other["destination.port"] != 53) == ("tcp", True)


def test_arguments_beyond_the_limit_are_cut_and_counted(tmp_path: Path) -> None:
    recording = record(["/bin/echo", "x" * 9000], tmp_path / "r", source="bcc")
    (echo,) = [e for e in recording.events() if e["event.action"] == "exec"]
    assert len(str(echo["process.command_line"])) == 8191
    assert recording.session.loss.detail["cut_arguments"] == 1
    assert recording.session.loss.truncated == 1
