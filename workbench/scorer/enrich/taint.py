"""Taint: the labels that one process, file, pipe or channel holds, each with the way the data took there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

MAX_HOPS = 64
MAX_LABELS = 32
LIKELY = 0.5


class Hop(msgspec.Struct, frozen=True, gc=False):
    """One step of labelled data: what moved it, from where to where, and how sure that is.

    `timestamp` is when the data may first have been there (nanoseconds since 1970), `event_id` the event that
    showed it, `holder` the entity id or file that held it afterwards.
    """

    event_id: str
    timestamp: int
    action: str
    source: str
    target: str
    holder: str
    confidence: float

    @property
    def moves(self) -> int:
        """1 when the hop moved data, 0 for a fork, an exec or a mark."""
        return int(self.source != self.target and not self.action.startswith("process/"))


class Step(msgspec.Struct, frozen=True, gc=False):
    """The last hop of a way, with the way before it; ways share their beginnings."""

    hop: Hop
    weakest: float
    length: int
    moves: int
    before: Step | None = None

    @classmethod
    def first(cls, hop: Hop) -> Step:
        """Give the way of one hop."""
        return cls(hop, hop.confidence, 1, hop.moves)

    def then(self, hop: Hop) -> Step:
        """Give this way with one more hop; a very long way drops hops before it, never its beginning."""
        before = self if self.length < MAX_HOPS else self.before
        weakest, length = min(self.weakest, hop.confidence), min(self.length + 1, MAX_HOPS)
        return Step(hop, weakest, length, self.moves + hop.moves, before)

    def way(self) -> list[Hop]:
        """Give the hops from the source to here."""
        hops: list[Hop] = []
        step: Step | None = self
        while step is not None:
            hops.append(step.hop)
            step = step.before
        return hops[::-1]


class Taint:
    """Label → the surest way by which it came."""

    __slots__ = ("_view", "steps")

    def __init__(self) -> None:
        self.steps: dict[str, Step] = {}
        self._view: tuple[list[str], float, int] | None = None

    def add(self, label: str, step: Step) -> bool:
        """Keep `step` when it is the first or a surer way for `label`; whether it was kept."""
        known = self.steps.get(label)
        if known is None:
            if len(self.steps) >= MAX_LABELS:
                return False
        elif step.weakest <= known.weakest:
            return False
        self.steps[label] = step
        self._view = None
        return True

    def until(self, time: int) -> list[tuple[str, Step]]:
        """Give the labels that were held at `time`."""
        return [(label, step) for label, step in self.steps.items() if step.hop.timestamp <= time]

    def view(self) -> tuple[list[str], float, int]:
        """Give the labels as an event tells them, the confidence of the least sure likely one, and hops.

        Hops are the reads and writes of the longest way; a fork or exec moves no data.

        A label whose weakest hop is below `LIKELY` is told as `possible_<label>`, so that an unlikely way of
        one label neither lends its doubt to another nor borrows its certainty.
        """
        if self._view is None:
            likely = {label: step for label, step in self.steps.items() if step.weakest >= LIKELY}
            labels = sorted(label if label in likely else f"possible_{label}" for label in self.steps)
            told = list((likely or self.steps).values())
            self._view = labels, min(step.weakest for step in told), max(step.moves for step in told)
        return self._view


class Ways:
    """Writes and reads taints as plain data, each shared hop once."""

    def __init__(self) -> None:
        self.rows: list[list[Any]] = []
        self._index: dict[int, int] = {}
        self._steps: list[Step] = []

    def write(self, taint: Taint) -> dict[str, int]:
        """Give label → row of its last step, having added the rows that were missing."""
        return {label: self._write(step) for label, step in taint.steps.items()}

    def _write(self, last: Step) -> int:
        fresh: list[Step] = []
        step: Step | None = last
        while step is not None and id(step) not in self._index:
            fresh.append(step)
            step = step.before
        for step in reversed(fresh):
            before = -1 if step.before is None else self._index[id(step.before)]
            self._index[id(step)] = len(self.rows)
            self.rows.append(
                [before, step.weakest, step.length, step.moves, *msgspec.structs.astuple(step.hop)]
            )
        return self._index[id(last)]

    def read_rows(self, rows: list[list[Any]]) -> None:
        """Take up the rows that were written."""
        for before, weakest, length, moves, *hop in rows:
            known = self._steps[before] if before >= 0 else None
            self._steps.append(Step(Hop(*hop), weakest, length, moves, known))

    def read(self, labels: Mapping[str, int]) -> Taint:
        """Give the taint that `write` wrote."""
        taint = Taint()
        taint.steps = {label: self._steps[row] for label, row in labels.items()}
        return taint
