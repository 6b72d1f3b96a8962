"""The gate: opens of files that a blocking rule names are held, judged by that rule, and denied.

Through fanotify permission events, on the directories of files that exist when the sensor starts and that a
blocking rule could match. Only processes of the traced trees are judged; nobody else waits for more than a
look at their ancestry. This prevents: the open fails with EPERM and nothing was read. When the sensor ends or
dies the kernel lets every open through.
"""

from __future__ import annotations

import ctypes
import os
import select
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from workbench import procfs
from workbench.errors import CaptureError
from workbench.event import Event
from workbench.scorer.matcher import Matcher
from workbench.scorer.payload import Payload
from workbench.scorer.plan import Rule
from workbench.sensor.means.advance import SESSION, rules_in_advance

_FAN_CLASS_CONTENT, _FAN_CLOEXEC, _FAN_NONBLOCK = 0x04, 0x01, 0x02
_FAN_MARK_ADD, _FAN_OPEN_PERM, _FAN_EVENT_ON_CHILD = 0x01, 0x0001_0000, 0x0800_0000
_FAN_ALLOW, _FAN_DENY = 1, 2
_METADATA = struct.Struct("IBBHQii")
_RESPONSE = struct.Struct("iI")
_AT_FDCWD = -100
_MOST_FILES, _DEEPEST = 100_000, 4
_LONGEST = 200
_LIBC = ctypes.CDLL(None, use_errno=True)
_PATH = frozenset({"file.path", "file.name", "file.directory", "file.extension"})
_PROGRAM = frozenset({"process.executable", "process.name"})
_LEFT_OUT = frozenset({"node_modules", ".git", ".venv", "__pycache__", "site-packages"})


class Judge:
    """Tells which blocking rule an open falls under, by path and program alone, without any state."""

    def __init__(self, payload: Payload, *, programs: bool = True) -> None:
        """`programs` lets rules decide that look at the program as well."""
        numbers = rules_in_advance(payload, "file/open", _PATH | _PROGRAM if programs else _PATH)
        self._rules = payload.plan.rules
        self._matcher = Matcher(payload.plan, numbers) if numbers else None

    def __bool__(self) -> bool:
        """Whether any rule could deny an open."""
        return self._matcher is not None

    def rule(self, path: str, executable: str = "", name: str = "") -> Rule | None:
        """Give the rule that blocks the open, None when none does."""
        if self._matcher is None:
            return None
        matched = self._matcher.match(opening(path, executable, name))
        return self._rules[matched[0]] if matched else None


def opening(path: str, executable: str = "", name: str = "") -> Event:
    """Give the event of an open that has not happened yet."""
    place = Path(path)
    return {
        "@timestamp": time.time_ns(),
        "event.category": "file",
        "event.action": "open",
        "event.outcome": "success",
        "file.path": path,
        "file.name": place.name,
        "file.directory": str(place.parent),
        "file.extension": place.suffix[1:],
        "process.executable": executable,
        "process.name": name,
        "gen_ai.conversation.id": SESSION,
    }


def candidates(judge: Judge, places: Iterable[Path]) -> Iterator[tuple[Path, list[str]]]:
    """Give the directories below `places` that hold files a blocking rule names, and those; looks so far."""
    seen = 0
    for place in places:
        for directory, below, files in os.walk(place):
            depth = len(Path(directory).parts) - len(place.parts)
            below[:] = [] if depth >= _DEEPEST else [name for name in below if name not in _LEFT_OUT]
            seen += len(files)
            named = [name for name in files if judge.rule(f"{directory}/{name}")]
            if named:
                yield Path(directory), named
            if seen > _MOST_FILES:
                return


class Denied(NamedTuple):
    """An open that was denied."""

    rule: Rule
    path: str
    pid: int
    executable: str


class Gate(threading.Thread):
    """Judges opens while it runs; `denies` is asked last, told of each denial, and may still let it pass."""

    def __init__(self, judge: Judge, traced: Callable[[int], bool], denies: Callable[[Denied], bool]) -> None:
        """Hold nothing yet; raises CaptureError when the kernel does not let us."""
        super().__init__(name="gate", daemon=True)
        self._judge, self._traced, self._denies = judge, traced, denies
        self._handle = _LIBC.fanotify_init(_FAN_CLASS_CONTENT | _FAN_CLOEXEC | _FAN_NONBLOCK, os.O_RDONLY)
        if self._handle < 0:
            raise CaptureError(
                f"opens cannot be held: {os.strerror(ctypes.get_errno())}", mend="run with CAP_SYS_ADMIN"
            )
        self._ending = threading.Event()
        self.held = 0
        self._faults: Counter[str] = Counter()

    def judge_by(self, judge: Judge, directories: Iterable[Path]) -> None:
        """Judge by these rules from now on, and hold the opens in these directories too."""
        self._judge = judge
        for directory in directories:
            self._mark(directory)

    def _mark(self, directory: Path) -> None:
        mask = ctypes.c_uint64(_FAN_OPEN_PERM | _FAN_EVENT_ON_CHILD)
        path = os.fsencode(directory)
        if _LIBC.fanotify_mark(self._handle, _FAN_MARK_ADD, mask, _AT_FDCWD, path) == 0:
            self.held += 1

    def run(self) -> None:
        """Judge until told to end; closing lets through whatever is held, however this ends."""
        try:
            while not self._ending.is_set():
                if select.select([self._handle], [], [], 0.2)[0]:
                    with suppress(BlockingIOError):
                        self._answer(os.read(self._handle, 4096))
        finally:
            os.close(self._handle)

    def _answer(self, data: bytes) -> None:
        for offset in range(0, len(data), _METADATA.size):
            *_, opened, pid = _METADATA.unpack_from(data, offset)
            if opened < 0:
                self._faults["the kernel's queue of opens was full: it let them through"] += 1
                continue
            answer = _FAN_ALLOW
            try:
                answer = _FAN_DENY if self._blocks(opened, pid) else _FAN_ALLOW
            except Exception as error:  # whatever is wrong with one open, the gate stays for the others
                self._faults[f"an open could not be judged and was let through: {error!r}"[:_LONGEST]] += 1
            finally:
                os.write(self._handle, _RESPONSE.pack(opened, answer))
                os.close(opened)

    def _blocks(self, opened: int, pid: int) -> bool:
        if pid == os.getpid() or not self._traced(pid):
            return False
        path, executable = target(f"/proc/self/fd/{opened}"), target(f"/proc/{pid}/exe")
        rule = self._judge.rule(path, executable, procfs.name(pid))
        return rule is not None and self._denies(Denied(rule, path, pid, executable))

    def faults(self) -> list[tuple[str, int]]:
        """Give, once, what let opens through that no rule had allowed, and how often."""
        found = [(why, self._faults.pop(why)) for why in list(self._faults)]
        if not self.is_alive() and not self._ending.is_set():
            self._ending.set()
            found.append(("opens are held no more: the gate's thread has ended", 1))
        return found

    def end(self) -> None:
        """Let every open through from now on."""
        self._ending.set()
        if self.is_alive():
            self.join(2)


def target(link: str) -> str:
    """Give where a link of /proc leads, as text whatever bytes the name has; "" when it is gone."""
    try:
        return os.fsencode(Path(link).readlink()).decode(errors="replace")
    except OSError:
        return ""


def root_of(pid: int, roots: Container[int]) -> int:
    """Give the root that a process is or descends from, by /proc; 0 when there is none."""
    while pid > 1:
        if pid in roots:
            return pid
        pid = procfs.parent(pid)
    return 0
