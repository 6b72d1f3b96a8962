"""Leave out what makes recordings large and says little: programs' start, harnesses minding their state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import re2

from workbench.dataset.recording import Recording, write_recording
from workbench.dataset.session import Session
from workbench.event import Event, Value

LIBRARIES = "library_reads_thinned"
BOOKKEEPING = "harness_bookkeeping_thinned"
_LIBRARY = re2.compile(
    r"(?:/site-packages/|/dist-packages/|/node_modules/|/lib/python3\.\d+/|^/usr/(?:local/)?(?:lib|share)/)"
)
_CODE = frozenset({"py", "pyc", "pyi", "so", "js", "cjs", "mjs", "node", "mo"})
# What the C library, interpreters, TLS clients, git and compilers look for whenever they run, found or not.
_LOADED = re2.compile(
    r"^/etc/ld\.so\.cache$|^(?:/usr(?:/local)?)?/lib(?:32|64)?/.*\.so(?:\.\d+)*$"
    r"|^/usr/(?:lib|share)/locale(?:/|-)|^/usr/lib/[^/]+/gconv/|^/etc/locale\.alias$"
    r"|^/usr/share/(?:zoneinfo|ca-certificates)/|^/etc/ssl/(?:certs/|openssl\.cnf$)|^/etc/gitconfig$"
    r"|^/$|^/proc/filesystems$|^/usr/lib/node_modules/|^/dev/(?:urandom|tty)$|^/usr/(?:local/)?include/|^/usr/lib/gcc/|^/usr/lib/python3\d+\.zip$"
    r"|^/usr/lib/rustlib/|^/usr/(?:bin/)?(?:python3(?:\.\d+)?\._pth|pybuilddir\.txt|pyvenv\.cfg)$"
    r"|^/usr/(?:local/)?lib/.*/(?:site|dist)-packages/[^/]+\.pth$"
)
# What git looks at whenever it runs; not its objects and index, through which data travels.
_GIT_OWN = re2.compile(
    r"/\.git(?:/(?:config|HEAD|packed-refs|refs(?:/.*)?|info(?:/.*)?|objects/info/alternates|objects/pack/multi-pack-index))?$"
    r"|/\.git(?:ignore|attributes)$"
)
# Where harnesses are installed.
_OWN_PROGRAM = re2.compile(r"/\.local/share/uv/tools/|/\.local/lib/(?:codex|gemini-cli|opencode)/")
# Codex lays its own skills out again at every start.
_OWN_SKILLS = "/.codex/skills/.system"
_OWN_STATE = re2.compile(
    r"/\.codex/|/\.gemini/|/\.local/(?:share|state)/opencode/|/\.config/(?:opencode|mini-swe-agent)/"
    r"|/\.cache/opencode/|^/tmp/[^/]+/pip-[^/]+\.whl$"
    r"|^/proc/(?:self|\d+)/(?:statm|stat|maps|status)$|^/sys/fs/cgroup/"
)
_SIGPWR = 30
# Files of no name, through which a program wakes itself, and the one that swallows all.
_NOWHERE = frozenset({"/inotify", "/[eventfd]", "/[eventpoll]", "/[timerfd]", "/dev/null"})


def is_library_read(event: Event) -> bool:
    """Whether the event only reads what programs load by themselves: libraries, headers, git's own settings.

    >>> event = {"event.category": "file", "event.action": "read", "file.extension": "pyc",
    ...          "file.path": "/usr/lib/python3.11/__pycache__/os.cpython-311.pyc"}
    >>> is_library_read(event), is_library_read(event | {"file.path": "/home/ada/app/os.pyc"})
    (True, False)
    """
    action, flags = event["event.action"], event.get("file.flags", [])
    if action != "read" and (action != "open" or flags not in ([], ["read"])):
        return False
    path = str(event.get("file.path", ""))
    if event.get("error.code", "ENOENT") == "ENOENT" and (_LOADED.search(path) or _OWN_PROGRAM.search(path)):
        return True
    if str(event.get("process.name", "")).startswith("git") and (
        path.endswith("/.gitconfig") or _GIT_OWN.search(path)
    ):
        return True
    code = event.get("file.extension") in _CODE or event.get("file.type") == "dir"
    return code and event.get("event.outcome") != "failure" and _LIBRARY.search(path) is not None


def _pauses_itself(event: Event) -> bool:
    """Whether a runtime stops its own threads to collect garbage."""
    own = event.get("process.target.entity_id") == event.get("process.entity_id")
    return event.get("event.action") == "signal" and event.get("process.signal") == _SIGPWR and own


class Thinner:
    """Tells which events to leave out, counting them by reason in `left_out`; sees each once, in order.

    Beside library reads these are a process's second and later open, read or write of one file of a
    harness's own state (its transcript, its databases), what goes through files of no name, and the signals
    of a runtime to itself.

    >>> thinner = Thinner()
    >>> event = {"event.category": "file", "event.action": "write", "process.entity_id": "a",
    ...          "file.path": "/home/ada/.codex/sessions/rollout.jsonl"}
    >>> [thinner(event), thinner(event), thinner(event | {"process.entity_id": "b"})], thinner.left_out
    ([False, True, False], {'harness_bookkeeping_thinned': 1})
    """

    def __init__(self) -> None:
        self.left_out: dict[str, int] = {}
        self._seen: set[tuple[Value, ...]] = set()

    def __call__(self, event: Event) -> bool:
        """Whether to leave the event out."""
        if event.get("event.category") != "file":
            return self._count(BOOKKEEPING) if _pauses_itself(event) else False
        reason = LIBRARIES if is_library_read(event) else BOOKKEEPING if self._repeats(event) else ""
        return self._count(reason) if reason else False

    def _count(self, reason: str) -> bool:
        self.left_out[reason] = self.left_out.get(reason, 0) + 1
        return True

    def _repeats(self, event: Event) -> bool:
        action, path = str(event.get("event.action")), str(event.get("file.path", ""))
        if _OWN_SKILLS in path:
            path = _OWN_SKILLS
        elif action not in ("open", "read", "write"):
            return False
        elif path in _NOWHERE:
            return True
        elif not _OWN_STATE.search(path):
            return False
        key = (event.get("process.entity_id", ""), action, path)
        known = key in self._seen
        self._seen.add(key)
        return known


def thin_events(events: Iterable[dict[str, Value]], session: Session) -> Iterator[dict[str, Value]]:
    """Give the events that stay; once all are through, the session's Loss counts the others."""
    thinner = Thinner()
    yield from (event for event in events if not thinner(event))
    for reason, count in thinner.left_out.items():
        session.loss.not_visible[reason] = count + session.loss.not_visible.get(reason, 0)


def thin(recording: Recording, out: Path) -> Recording:
    """Write a copy without what `Thinner` leaves out, which its Loss counts as not visible."""
    session = msgspec.convert(msgspec.to_builtins(recording.session), Session)
    remaining = list(thin_events(recording.events(), session))
    kept = {event.get("event.id") for event in remaining}
    labels = [label for label in recording.labels() if label.event_id in kept]
    return write_recording(out, remaining, session, labels)
