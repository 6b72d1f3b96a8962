"""Leave out what makes recordings large and says little: a program reading the code of its own libraries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import re2

from workbench.dataset.recording import Recording, write_recording
from workbench.dataset.session import Session
from workbench.event import Value

REASON = "library_reads_thinned"
_LIBRARY = re2.compile(
    r"(?:/site-packages/|/dist-packages/|/node_modules/|/lib/python3\.\d+/|^/usr/(?:local/)?(?:lib|share)/)"
)
_CODE = frozenset({"py", "pyc", "pyi", "so", "js", "cjs", "mjs", "node", "mo"})
# What the C library looks for whenever a program starts, found or not.
_LOADED = re2.compile(
    r"^/etc/ld\.so\.cache$|^(?:/usr(?:/local)?)?/lib(?:32|64)?/.*\.so(?:\.\d+)*$"
    r"|^/usr/(?:lib|share)/locale(?:/|-)|^/usr/lib/[^/]+/gconv/"
)


def is_library_read(event: dict[str, Value]) -> bool:
    """Whether the event only reads what a program's start loads: code or listings of libraries, the locale.

    >>> event = {"event.category": "file", "event.action": "read", "file.extension": "pyc",
    ...          "file.path": "/usr/lib/python3.11/__pycache__/os.cpython-311.pyc"}
    >>> is_library_read(event), is_library_read(event | {"file.path": "/home/ada/app/os.pyc"})
    (True, False)
    """
    action, flags = event["event.action"], event.get("file.flags", [])
    if action != "read" and (action != "open" or flags not in ([], ["read"])):
        return False
    path = str(event.get("file.path", ""))
    if event.get("error.code", "ENOENT") == "ENOENT" and _LOADED.search(path):
        return True
    code = event.get("file.extension") in _CODE or event.get("file.type") == "dir"
    return code and event.get("event.outcome") != "failure" and _LIBRARY.search(path) is not None


def thin(recording: Recording, out: Path) -> Recording:
    """Write a copy without library reads; how many were left out is counted as not visible in its Loss."""
    session = msgspec.convert(msgspec.to_builtins(recording.session), Session)
    kept: set[str] = set()

    def events() -> Iterator[dict[str, Value]]:
        left_out = 0
        for event in recording.events():
            if is_library_read(event):
                left_out += 1
            else:
                kept.add(str(event.get("event.id", "")))
                yield event
        session.loss.not_visible[REASON] = left_out + session.loss.not_visible.get(REASON, 0)

    remaining: Iterable[dict[str, Value]] = list(events())
    labels = [label for label in recording.labels() if label.event_id in kept]
    return write_recording(out, remaining, session, labels)
