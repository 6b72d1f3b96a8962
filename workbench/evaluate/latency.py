"""How long the scorer takes per event, measured around each call."""

from __future__ import annotations

import gc
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter_ns, thread_time_ns

import numpy as np
import numpy.typing as npt

from workbench.event import Event, Value, integer
from workbench.scorer import Scorer

_SHARES = {"p50": 50.0, "p99": 99.0, "p99.9": 99.9}


@dataclass(frozen=True)
class Latency:
    """Nanoseconds per scored event, in order: of the processor's time, and by the clock.

    The two are the same on a core that does nothing else. Where it does, the clock also counts what others
    took, so the processor's time is what a pack is judged by.
    """

    nanoseconds: npt.NDArray[np.int64]
    elapsed: npt.NDArray[np.int64]
    findings: int

    def summary(self) -> dict[str, float]:
        """Give mean, p50, p99, p99.9 and max of the processor's time, in microseconds."""
        return _shares(self.nanoseconds)

    def by_the_clock(self) -> dict[str, float]:
        """Give the same of the time that passed."""
        return _shares(self.elapsed)


def _shares(nanoseconds: npt.NDArray[np.int64]) -> dict[str, float]:
    micros = nanoseconds / 1_000
    shares = {name: float(np.percentile(micros, share)) for name, share in _SHARES.items()}
    summary = {"mean": float(micros.mean()), **shares, "max": float(micros.max())}
    return {name: round(value, 2) for name, value in summary.items()}


def measure(scorer: Scorer, events: Iterable[Event]) -> Latency:
    """Score events one by one and time each; the garbage collector runs as it would on a host.

    What exists before, such as recorded events, is taken out of its sight: a host does not have it.
    """
    taken: list[int] = []
    elapsed: list[int] = []
    findings = 0
    gc.collect()
    gc.freeze()
    score, clock, processor = scorer.score, perf_counter_ns, thread_time_ns
    for event in events:
        began, busy = clock(), processor()
        found = score(event)
        taken.append(processor() - busy)
        elapsed.append(clock() - began)
        findings += len(found)
    gc.unfreeze()
    return Latency(np.array(taken, dtype=np.int64), np.array(elapsed, dtype=np.int64), findings)


def repeat_sessions(recorded: Sequence[Sequence[Event]], count: int) -> Iterator[dict[str, Value]]:
    """Give `count` events by repeating recorded sessions as new ones, one after another.

    Each has its own session, processes and times. Inodes stay, so provenance meets its own files again, as
    it would on a host where the same files live on.
    """
    given, clock = 0, 0
    for number, events in enumerate(itertools.cycle(recorded)):
        times = [integer(event, "@timestamp") for event in events]
        begin, clock = clock - min(times), clock + max(times) - min(times) + _PAUSE
        for event in events:
            if given == count:
                return
            given += 1
            yield _renamed(event, f"-{number}", begin)


_PAUSE = 1_000_000_000
_IDENTITIES = (
    "gen_ai.conversation.id",
    "process.entity_id",
    "process.parent.entity_id",
    "process.target.entity_id",
    "event.id",
)


def _renamed(event: Event, suffix: str, shift: int) -> dict[str, Value]:
    copy = dict(event)
    for name in _IDENTITIES:
        if name in copy:
            copy[name] = f"{copy[name]}{suffix}"
    copy["@timestamp"] = integer(event, "@timestamp") + shift
    return copy
