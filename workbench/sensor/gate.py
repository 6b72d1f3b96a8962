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
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from workbench.errors import CaptureError
from workbench.event import Event
from workbench.scorer.matcher import Matcher
from workbench.scorer.payload import Payload

_FAN_CLASS_CONTENT, _FAN_CLOEXEC, _FAN_NONBLOCK = 0x04, 0x01, 0x02
_FAN_MARK_ADD, _FAN_OPEN_PERM, _FAN_EVENT_ON_CHILD = 0x01, 0x0001_0000, 0x0800_0000
_FAN_ALLOW, _FAN_DENY = 1, 2
_METADATA = struct.Struct("IBBHQii")
_RESPONSE = struct.Struct("iI")
_AT_FDCWD = -100
_MOST_FILES, _DEEPEST = 100_000, 4
_LIBC = ctypes.CDLL(None, use_errno=True)
_LEFT_OUT = frozenset({"node_modules", ".git", ".venv", "__pycache__", "site-packages"})


class Judge:
    """Tells which blocking rule an open falls under, by path and program alone, without any state."""

    def __init__(self, payload: Payload) -> None:
        rules = payload.plan.rules
        numbers = [
            number
            for number, rule in enumerate(rules)
            if rule.response == "block"
            and rule.correlation is None
            and not rule.silent
            and (not rule.kinds or "file/open" in rule.kinds)
        ]
        self._rules = rules
        self._matcher = Matcher(payload.plan, numbers) if numbers else None

    def __bool__(self) -> bool:
        """Whether any rule could deny an open."""
        return self._matcher is not None

    def rule(self, path: str, executable: str = "", name: str = "") -> str:
        """Give the id of the rule that blocks the open, "" when none does."""
        if self._matcher is None:
            return ""
        place = Path(path)
        event: Event = {
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
            "gen_ai.conversation.id": "gate",
        }
        matched = self._matcher.match(event)
        return self._rules[matched[0]].id if matched else ""


def candidates(judge: Judge, places: Iterable[Path]) -> Iterator[Path]:
    """Give the directories below `places` that hold files a blocking rule names; looks at so many only."""
    seen = 0
    for place in places:
        for directory, below, files in os.walk(place):
            depth = len(Path(directory).parts) - len(place.parts)
            below[:] = [] if depth >= _DEEPEST else [name for name in below if name not in _LEFT_OUT]
            seen += len(files)
            if any(judge.rule(f"{directory}/{name}") for name in files):
                yield Path(directory)
            if seen > _MOST_FILES:
                return


class Gate(threading.Thread):
    """Judges opens while it runs; `denied` is told the rule, path and process of each denial."""

    def __init__(
        self,
        judge: Judge,
        directories: Iterable[Path],
        traced: Callable[[int], bool],
        denied: Callable[[str, str, int, str], None],
    ) -> None:
        """Mark the directories; raises CaptureError when the kernel does not let us."""
        super().__init__(name="gate", daemon=True)
        self._judge, self._traced, self._denied = judge, traced, denied
        self._handle = _LIBC.fanotify_init(_FAN_CLASS_CONTENT | _FAN_CLOEXEC | _FAN_NONBLOCK, os.O_RDONLY)
        if self._handle < 0:
            raise CaptureError(
                f"opens cannot be held: {os.strerror(ctypes.get_errno())}", mend="run with CAP_SYS_ADMIN"
            )
        self._ending = threading.Event()
        self.held = 0
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
            answer = _FAN_ALLOW
            try:
                answer = _FAN_DENY if self._blocks(opened, pid) else _FAN_ALLOW
            finally:
                os.write(self._handle, _RESPONSE.pack(opened, answer))
                os.close(opened)

    def _blocks(self, opened: int, pid: int) -> bool:
        if pid == os.getpid() or not self._traced(pid):
            return False
        path, executable = target(f"/proc/self/fd/{opened}"), target(f"/proc/{pid}/exe")
        try:
            name = Path(f"/proc/{pid}/comm").read_text(errors="replace").rstrip("\n")
        except OSError:
            name = ""
        rule = self._judge.rule(path, executable, name)
        if rule:
            self._denied(rule, path, pid, executable)
        return bool(rule)

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


def descends_from(pid: int, roots: set[int]) -> bool:
    """Whether a process is one of `roots` or descends from one, by /proc."""
    while pid > 1:
        if pid in roots:
            return True
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        except OSError:
            return False
        pid = int(stat.rpartition(")")[2].split()[1])
    return False
