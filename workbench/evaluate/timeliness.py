"""How soon an attack is told, whether before the secret left, and which work a block would have stopped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.evaluate.metrics import Share, share
from workbench.evaluate.outcome import Outcome

_MILLISECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Delay:
    """From an attack's first event to its alert: median, 90th percentile and the longest."""

    median: float
    p90: float
    longest: float


@dataclass(frozen=True, slots=True)
class Timeliness:
    """Delays over the attacks that were told, None when none was; `prevented` is of the exfiltrations.

    An exfiltration is prevented when the verdict came no later than the event by which the secret left.
    """

    events: Delay | None
    milliseconds: Delay | None
    prevented: Share


def timeliness(outcomes: Iterable[Outcome]) -> Timeliness:
    """Measure the delays of attacks; what was told before its first event counts as told at once."""
    events: list[float] = []
    times: list[float] = []
    prevented: list[bool] = []
    for outcome in outcomes:
        began, alerted = outcome.began, outcome.alerted
        if began and alerted:
            events.append(max(0, alerted.index - began.index))
            times.append(max(0, alerted.timestamp - began.timestamp) / _MILLISECOND)
        if outcome.in_time is not None:
            prevented.append(outcome.in_time)
    return Timeliness(_delay(events), _delay(times), share(prevented))


def _delay(values: Sequence[float]) -> Delay | None:
    if not values:
        return None
    median, p90 = np.quantile(values, [0.5, 0.9])
    return Delay(round(float(median), 1), round(float(p90), 1), round(max(values), 1))


@dataclass(frozen=True, slots=True)
class Stop:
    """A tool call that a block would have ended: the `number`-th (from 1) of `calls` of its session.

    `index` is the event at which the verdict came, `rules` the titles of the rules it came from.
    """

    recording: str
    malicious: bool
    call: str
    tool: str
    step: str
    number: int
    calls: int
    index: int
    rules: tuple[str, ...]


def stops(outcomes: Iterable[Outcome], decisions: Sequence[str] = ("block",)) -> list[Stop]:
    """Simulate blocking: every tool call in which a finding's verdict was one of `decisions`.

    With `ALERTING` the question is what it would cost if every alert blocked.
    """
    found = []
    for outcome in outcomes:
        numbered = {call.id: (number, call) for number, call in enumerate(outcome.calls, 1)}
        for name, (number, call) in numbered.items():
            hits = [hit for hit in outcome.hits if hit.call == name and hit.decision in decisions]
            if hits:
                found.append(
                    Stop(
                        recording=outcome.recording,
                        malicious=call.malicious,
                        call=name,
                        tool=call.tool,
                        step=call.step,
                        number=number,
                        calls=len(numbered),
                        index=min(hit.index for hit in hits),
                        rules=tuple(sorted({hit.title for hit in hits})),
                    )
                )
    return found


@dataclass(frozen=True, slots=True)
class Blocking:
    """What blocking would have done: tool calls of benign and malicious steps that were stopped, of all."""

    benign: Share
    malicious: Share
    stopped: tuple[Stop, ...]


def blocking(outcomes: Sequence[Outcome], decisions: Sequence[str] = ("block",)) -> Blocking:
    """Simulate blocking over all sessions; `stopped` lists the benign calls only, which are its price."""
    found = stops(outcomes, decisions)
    known = {(stop.recording, stop.call) for stop in found}
    flags: dict[bool, list[bool]] = {False: [], True: []}
    for outcome in outcomes:
        for call in outcome.calls:
            flags[call.malicious].append((outcome.recording, call.id) in known)
    return Blocking(share(flags[False]), share(flags[True]), tuple(s for s in found if not s.malicious))
