"""What every source of events offers, and how to open one."""

from __future__ import annotations

from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any, Protocol

from capture.aside import Aside
from capture.bcc.connects import ConnectFilter
from capture.child import Child
from capture.interrupts import held_interrupts
from capture.redact import Redactor
from workbench.dataset.session import Loss
from workbench.errors import CaptureError
from workbench.event import Value

__all__ = [
    "Aside",
    "Child",
    "ConnectFilter",
    "Redactor",
    "Source",
    "Teller",
    "connect_filter",
    "follow",
    "held_interrupts",
    "open_source",
    "why_not",
]


class Source(Protocol):
    """Sees what a process tree does."""

    name: str
    cannot_see: tuple[str, ...]
    """What stays invisible to it; stored with each recording."""
    redacts: bool
    """Whether its events come without secrets; those of other sources are redacted by who polls them."""

    @property
    def sent(self) -> int:
        """How many events it made so far, lost ones included."""

    @property
    def lost(self) -> int:
        """How many events it knows to have lost so far."""

    def rehearse(self) -> list[dict[str, Value]]:
        """Do, before `start` or `attach`, what the first event would wait for; gives events of no agent."""

    def start(self, root: int) -> None:
        """Trace the tree below process `root`, which does nothing until this returns."""

    def attach(self, pid: int) -> list[dict[str, Value]]:
        """Trace a process that runs, and its descendants; gives what they are and hold."""

    def traces(self, pid: int) -> bool:
        """Whether a process is traced now; a process that has ended is not."""

    def poll(self, timeout: float) -> list[dict[str, Value]]:
        """Give the events since the last call, waiting up to `timeout` seconds for the first."""

    def settle(self) -> list[dict[str, Value]]:
        """End the tracing, whatever still runs, and give what was not yet told."""

    def stop(self) -> Loss:
        """End the tracing and tell what was lost; may be called again."""


class Teller(Protocol):
    """A harness's own word, told while it works."""

    @property
    def aside(self) -> Aside:
        """What was kept aside."""

    def read(self) -> list[dict[str, Value]]:
        """Give the events since the last call."""

    def rest(self) -> list[dict[str, Value]]:
        """Give the last events, and end."""


_LIVE = {"bcc": "capture.bcc.source:BccSource", "strace": "capture.strace.source:StraceSource"}

_SOURCES = {**_LIVE, "replay": "capture.replay:ReplaySource"}


def open_source(name: str = "auto", **settings: Any) -> Source:
    """Open a source by name; "auto" takes the best that runs here.

    Raises CaptureError with the cause and the mend when it cannot run.
    """
    if name == "auto":
        return _best(settings)
    if name not in _SOURCES:
        raise CaptureError(f"no source {name!r}", mend=f"one of auto, {', '.join(_SOURCES)}")
    make = _load(name)
    try:
        signature(make).bind(**settings)
    except TypeError as error:
        raise CaptureError(f"source {name}: {error}", mend="leave that setting out") from None
    source: Source = make(**settings)
    return source


def _best(settings: dict[str, Any]) -> Source:
    reasons: list[str] = []
    for name in _LIVE:
        try:
            return open_source(name, **settings)
        except CaptureError as error:
            reasons.append(f"{name}: {error}")
    raise CaptureError(f"nothing can be captured here: {'; '.join(reasons)}", mend="see `workbench doctor`")


def connect_filter(cgroup: Path) -> ConnectFilter:
    """Attach a filter to the connections of a cgroup; raises CaptureError where that is not possible."""
    return ConnectFilter(cgroup)


def follow(what: str, session: str = "") -> Teller:
    """Follow what a harness writes: `FORMAT:PATH`, or `FORMAT` for its usual place; its session is `session`.

    Raises InputError for an unknown format, or one that has no usual place.
    """
    teller: Teller = import_module("capture.harness.follow").follow(what, session)
    return teller


def why_not(name: str) -> str | None:
    """Tell why a live source cannot run here, found by trying; None when it can."""
    try:
        _load(name).check()
    except CaptureError as error:
        return str(error)
    return None


def _load(name: str) -> Any:
    module, _, attribute = _SOURCES[name].partition(":")
    try:
        return getattr(import_module(module), attribute)
    except ImportError as error:
        raise CaptureError(f"source {name} cannot be loaded: {error}") from None
