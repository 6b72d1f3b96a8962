"""What a correlation remembers of an event that served a step."""

from __future__ import annotations

from typing import Any

import msgspec


class Sighting(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A match that serves as a step: its time (nanoseconds), its place in the stream, and its evidence.

    `serial` tells events apart even when they carry no id; `events` and `rules` are the event ids and rule
    names behind it, several when the step is itself a correlation; `group` is then what it was grouped by.
    """

    time: int
    serial: int
    events: tuple[str, ...]
    rules: tuple[str, ...]
    group: tuple[Any, ...] = ()


class Completion(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A correlation whose steps are all there; `begun` is the time of the earliest."""

    begun: int
    sightings: tuple[Sighting, ...]
