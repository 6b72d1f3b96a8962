"""Ctrl-C and SIGTERM, heeded between two looks at a source: an event in hand when they come is not lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def held_interrupts() -> Iterator[Callable[[], None]]:
    """Hold the signals that would raise KeyboardInterrupt; gives what raises it once one has come.

    One that was not heeded raises at the end. A second one raises at once, for whoever will not wait.
    Outside the main thread, where no signal arrives, nothing is held.
    """
    came = False

    def hold(number: int, frame: FrameType | None) -> None:
        nonlocal came
        if came:
            raise KeyboardInterrupt
        came = True

    def heed() -> None:
        if came:
            raise KeyboardInterrupt

    held = []
    if threading.current_thread() is threading.main_thread():
        those = (signal.SIGINT, signal.SIGTERM)
        held = [number for number in those if signal.getsignal(number) is signal.default_int_handler]
    for number in held:
        signal.signal(number, hold)
    try:
        yield heed
    finally:
        for number in held:
            signal.signal(number, signal.default_int_handler)
    heed()
