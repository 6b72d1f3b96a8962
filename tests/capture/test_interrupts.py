"""What is in hand when Ctrl-C comes is kept; whoever asks twice is obeyed at once."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import pytest

from capture.interrupts import held_interrupts
from capture.recorder import Recorder
from capture.replay import ReplaySource
from capture.spool import read_events
from workbench.dataset.recording import write_recording
from workbench.dataset.session import Session
from workbench.event import Value


class Interrupting(ReplaySource):
    """A source during whose first look Ctrl-C is pressed."""

    def poll(self, timeout: float) -> list[dict[str, Value]]:
        if events := super().poll(timeout):
            signal.raise_signal(signal.SIGINT)
        return events


@pytest.fixture
def ctrl_c() -> None:
    """Have SIGINT mean what it means to a command, whatever started the tests."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("way", ["run", "attach"])
def test_events_that_were_just_taken_are_recorded(tmp_path: Path, way: str) -> None:
    event: dict[str, Value] = {"@timestamp": 10**18, "event.category": "process", "event.action": "fork"}
    events = [event | {"event.sequence": number} for number in range(3)]
    write_recording(tmp_path / "played", events, Session(id="s"))
    recorder = Recorder(Interrupting(path=tmp_path / "played"), spool=tmp_path / "spool")
    if way == "run":
        recorder.run(["/bin/sleep", "60"])
    else:
        recorder.attach(1)
    assert recorder.interrupted
    assert [event["event.sequence"] for event in read_events(tmp_path / "spool")] == [0, 1, 2]


@pytest.mark.usefixtures("ctrl_c")
def test_who_asks_twice_is_obeyed_at_once() -> None:
    with pytest.raises(KeyboardInterrupt), held_interrupts():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_program_with_its_own_way_keeps_it() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    try:
        with held_interrupts() as heed:
            signal.raise_signal(signal.SIGTERM)
            heed()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == [signal.SIGTERM]


def test_beside_the_main_thread_nothing_is_held() -> None:
    with held_interrupts():
        pass
    failed: list[BaseException] = []

    def other() -> None:
        try:
            with held_interrupts() as heed:
                heed()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert not failed
