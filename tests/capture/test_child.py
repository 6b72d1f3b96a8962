"""A command that waits for its release."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from capture.child import Child, adopting
from workbench.errors import CaptureError


def ended(child: Child) -> int:
    deadline = time.monotonic() + 60
    while (code := child.poll()) is None and time.monotonic() < deadline:
        time.sleep(0.005)
    assert code is not None
    return code


def test_nothing_runs_before_the_release(tmp_path: Path) -> None:
    child = Child(["touch", str(tmp_path / "ran")])
    time.sleep(0.2)
    assert not (tmp_path / "ran").exists()
    child.release()
    assert ended(child) == 0
    assert (tmp_path / "ran").exists()


def test_directory_environment_and_output_are_the_command_s(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out:
        child = Child(["sh", "-c", "pwd; echo $X"], cwd=tmp_path, env={"X": "7", "PATH": "/bin"}, stdout=out)
        child.release()
        assert ended(child) == 0
    assert (tmp_path / "out").read_text() == f"{tmp_path}\n7\n"


@pytest.mark.parametrize(
    ("command", "code", "why"),
    [("no-such-command", 127, "No such file or directory"), ("/etc/passwd", 126, "Permission denied")],
)
def test_a_command_that_cannot_run_says_why(command: str, code: int, why: str) -> None:
    child = Child([command])
    child.release()
    assert ended(child) == code
    with pytest.raises(CaptureError, match=f"^{command}: {why}"):
        child.ended()


def test_an_exit_code_of_127_is_the_command_s_own() -> None:
    child = Child(["sh", "-c", "exit 127"])
    child.release()
    assert ended(child) == child.ended() == 127


def test_what_has_ended_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    child = Child(["true"])
    child.release()
    ended(child)
    fail = "the id may be another process's by now"
    monkeypatch.setattr(signal, "pidfd_send_signal", lambda *_: pytest.fail(fail))
    child.end()


def test_what_ignores_a_polite_end_is_ended(tmp_path: Path) -> None:
    deaf = tmp_path / "deaf"
    child = Child(["sh", "-c", f"trap '' TERM; : >{deaf}; while :; do sleep 0.05; done"])
    child.release()
    deadline = time.monotonic() + 60
    while not deaf.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    child.end(grace=0.3)
    assert ended(child) == -9


def test_without_patience_it_is_ended_all_the_same(tmp_path: Path) -> None:
    begun, left = tmp_path / "begun", tmp_path / "left"
    child = Child(["sh", "-c", f": >{begun}; sleep 60; : >{left}"])
    child.release()
    deadline = time.monotonic() + 60
    while not begun.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)
    child.end(grace=0)
    assert ended(child) == -9
    assert not left.exists()  # the shell did not go on when what it waited for was ended


def test_both_outputs_go_where_they_are_sent(tmp_path: Path) -> None:
    with (tmp_path / "errors").open("wb") as errors:
        child = Child(["sh", "-c", "echo said; echo warned >&2"], stdout=subprocess.DEVNULL, stderr=errors)
        child.release()
        assert ended(child) == 0
    assert (tmp_path / "errors").read_text() == "warned\n"


def test_all_that_descends_from_it_is_ended_and_nothing_else(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    script = f"(setsid sleep 61 & echo $! >{begun}); sleep 62 & echo $! >>{begun}; sleep 63; true"
    with subprocess.Popen(["sleep", "64"]) as other, adopting():
        child = Child(["sh", "-c", script])
        child.release()
        deadline = time.monotonic() + 60
        while len(begun.read_text().split() if begun.exists() else ()) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.1)
        child.end()
        assert [state(int(pid)) for pid in begun.read_text().split()] == ["gone", "gone"]
        assert other.poll() is None
        other.kill()


def state(pid: int) -> str:
    stat = Path(f"/proc/{pid}/stat")
    return "gone" if not stat.exists() or ") Z " in stat.read_text() else "running"
