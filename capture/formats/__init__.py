"""What other tools recorded, read into events: one module a format, each with a function `read`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any, NamedTuple

import msgspec

from capture.aside import Aside
from workbench.dataset.session import Loss
from workbench.errors import Faults, InputError, Place
from workbench.event import Value, check_event

FORMATS = ("eslogger", "tetragon", "auditd")


class Imported(NamedTuple):
    """What a file told, what it lost, what its tool cannot see, and the records that were kept aside."""

    events: list[dict[str, Value]]
    loss: Loss
    cannot_see: tuple[str, ...]
    aside: Aside | None = None


def reader(name: str) -> Callable[[Iterable[bytes], str], Imported]:
    """Give a format's function: it takes the lines and the file's name for errors."""
    function: Callable[[Iterable[bytes], str], Imported] = import_module(f"capture.formats.{name}").read
    return function


def objects(lines: Iterable[bytes], path: str) -> list[dict[str, Any]]:
    """Decode one JSON object a line; raises InputError that names the first lines at fault."""
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    found: list[dict[str, Any]] = []
    faults = Faults()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found.append(decode(line))
        except (msgspec.MsgspecError, RecursionError) as error:
            faults.add(InputError(f"not a JSON object: {error}", place=Place(path, number)))
    if faults:
        raise InputError(str(faults), mend="one JSON object a line, as the tool writes them")
    return found


def checked(
    kind: str, counts: Counter[str], tell: Callable[..., dict[str, Value] | None], *told: Any
) -> list[dict[str, Value]]:
    """Give the event that `tell` makes of what was `told`, if any; what makes none is counted by its kind.

    >>> counts = Counter()
    >>> checked("exit", counts, lambda record: {"process.pid": record["pid"]}, {"pid": "one"}), counts
    ([], Counter({'malformed_exit': 1}))
    """
    try:
        event = tell(*told)
        return [check_event(event)] if event is not None else []
    except (AttributeError, LookupError, OverflowError, TypeError, ValueError):
        counts[f"malformed_{kind}"] += 1
        return []


def numbered(events: list[dict[str, Value]], provider: str) -> list[dict[str, Value]]:
    """Give each event its id, provider and, where the tool gave none, its place in the file."""
    for number, event in enumerate(events, 1):
        event["event.id"] = f"i{number}"
        event["event.provider"] = provider
        event.setdefault("event.sequence", number)
    return events
