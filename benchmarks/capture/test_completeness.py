"""The kernel source's counts equal strace's on the same seeded workload."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from capture.recorder import record
from workbench.event import Event

EXECS, OPENS, CONNECTS, RENAMES = 1000, 20_000, 500, 200
BUSY = Path(__file__).with_name("busy.py")
KINDS = {
    r"exec(ve|veat)": "exec",
    r"open(at|at2)?|creat": "open",
    r"connect": "connect",
    r"rename(at|at2)?": "rename",
    r"unlink(at)?|rmdir": "delete",
    r"bind": "bind",
    r"accept4?": "accept",
}


def command(directory: Path, seed: int) -> list[str]:
    """Give the workload's command."""
    directory.mkdir()
    sizes = map(str, (seed, EXECS, OPENS, CONNECTS, RENAMES))
    return [sys.executable, "-S", "-E", str(BUSY), str(directory), *sizes]


def by_strace(log: Path) -> Counter[str]:
    """Count the calls in strace's own log."""
    counts: Counter[str] = Counter()
    for line in log.read_text(errors="replace").splitlines():
        call = re.match(r"\d+ +(?:<\.\.\. )?(\w+)(?:\(| resumed>)", line)
        result = re.search(r" = (-?\d+)(?: [A-Z<].*)?$", line)
        if call is None or result is None:
            continue
        for names, kind in KINDS.items():
            if re.fullmatch(names, call[1]):
                counts[f"{kind} {'ok' if int(result[1]) >= 0 else 'failed'}"] += 1
    return counts


def by_kernel(events: Iterable[Event]) -> Counter[str]:
    """Count the same in a recording."""
    counts: Counter[str] = Counter()
    for event in events:
        kind = (
            "open" if event["event.action"] == "create" and "file.flags" in event else event["event.action"]
        )
        if kind in KINDS.values():
            counts[f"{kind} {'failed' if event['event.outcome'] == 'failure' else 'ok'}"] += 1
    return counts


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
@pytest.mark.parametrize("seed", [1, 2])
def test_counts_equal_strace_s(seed: int, tmp_path: Path, say: Callable[[str], None]) -> None:
    """Every kind of call, those that failed too."""
    log = tmp_path / "strace.log"
    calls = "?execve,?execveat,?open,?openat,?openat2,?creat,?connect,?bind,?accept,?accept4"
    calls += ",?rename,?renameat,?renameat2,?unlink,?unlinkat,?rmdir"
    strace = ["strace", "-f", "-o", str(log), "-e", f"trace={calls}", "-e", "signal=none"]
    subprocess.run([*strace, *command(tmp_path / "a", seed)], check=True)
    recording = record(command(tmp_path / "b", seed), tmp_path / "r", source="bcc")
    theirs, ours = by_strace(log), by_kernel(recording.events())
    say(f"{'':16}{'strace':>8}{'kernel':>8}")
    for kind in sorted(theirs | ours):
        say(f"{kind:16}{theirs[kind]:8}{ours[kind]:8}")
    assert recording.session.loss.dropped == 0
    assert theirs == ours
    assert ours["exec ok"] >= EXECS
    assert ours["open ok"] >= OPENS
