"""How right attribution is, and how honest about it, judged by call ids that agents put into environments.

Some agents give each tool process the id of the call that started it. Read, that id is the strongest method;
left unread, it is the truth that the other methods are held against.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.evaluate.reliability import Bin, Said, pooled, reliability_bins
from workbench.event import Event, Value
from workbench.registry import load
from workbench.scorer.enrich.attribution import Attribution
from workbench.scorer.enrich.lineage import Lineage

CALL = "gen_ai.tool.call.id"
_TOLD_BY_HARNESS = ("agent", "control")


@dataclass(frozen=True, slots=True)
class Judgement:
    """One event of a tool call: the true call, the named one ("" for none), and how sure that was."""

    session: str
    true: str
    named: str
    method: str
    confidence: float

    @property
    def right(self) -> bool:
        """Whether the named call is the true one."""
        return self.named == self.true


@dataclass(frozen=True, slots=True)
class Reliability:
    """How attribution without the environment did.

    `coverage` is the share of events for which a call was named, `accuracy` the share of those that were
    right, `calls_accuracy` the share of tool calls most of whose events were right; `brier` is the mean
    squared difference between confidence and outcome (0 best, 0.25 that of always saying one half).
    """

    events: int
    calls: int
    coverage: float
    accuracy: float
    calls_accuracy: float
    brier: float
    calibration_error: float
    by_method: Mapping[str, Bin]
    bins: Sequence[Bin]


def judge(events: Iterable[Event], agents: Mapping[str, Any] | None = None) -> Iterator[Judgement]:
    """Attribute a recording twice, with the call ids in environments and without; compare event by event.

    What the recording itself says of attribution is left aside. Nothing is given for a recording whose agent
    sets no such variable.
    """
    agents = agents or load("agents")
    knowing, guessing = _Run(agents, environment=True), _Run(agents, environment=False)
    for event in events:
        bare = _bare(event)
        truth, guess = knowing.apply(bare), guessing.apply(bare)
        if truth.get("attribution.method") == "environment" and CALL in truth:
            yield Judgement(
                session=str(truth.get("gen_ai.conversation.id", "")),
                true=str(truth[CALL]),
                named=str(guess.get(CALL, "")),
                method=str(guess["attribution.method"]),
                confidence=float(str(guess["attribution.confidence"])),
            )


class _Run:
    def __init__(self, agents: Mapping[str, Any], *, environment: bool) -> None:
        self._stages = (Lineage(), Attribution(agents, environment=environment))

    def apply(self, event: Event) -> dict[str, Value]:
        own = dict(event)
        for stage in self._stages:
            stage.apply(own)
        return own


def _bare(event: Event) -> dict[str, Value]:
    if event["event.category"] in _TOLD_BY_HARNESS:
        return {name: value for name, value in event.items() if not name.startswith("attribution.")}
    return {name: value for name, value in event.items() if not name.startswith(("attribution.", "gen_ai."))}


def reliability(judgements: Iterable[Judgement], *, bins: int = 10) -> Reliability | None:
    """Sum up judgements; None when there are none.

    >>> seen = [Judgement("s", "c1", "c1", "harness_event", 0.9)] * 9
    >>> report = reliability([*seen, Judgement("s", "c2", "c1", "timing", 0.5)])
    >>> report.accuracy, report.calls, round(report.brier, 3), round(report.calibration_error, 3)
    (0.9, 2, 0.034, 0.14)
    """
    judgements = list(judgements)
    if not judgements:
        return None
    named = [one for one in judgements if one.named]
    calls: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for one in judgements:
        calls[one.session, one.true].append(one.right)
    methods: dict[str, list[Said]] = defaultdict(list)
    for one in named:
        methods[one.method].append((one.confidence, one.right))
    found = reliability_bins(((one.confidence, one.right) for one in named), bins)
    return Reliability(
        events=len(judgements),
        calls=len(calls),
        coverage=len(named) / len(judgements),
        accuracy=_mean(one.right for one in named),
        calls_accuracy=_mean(sum(right) * 2 > len(right) for right in calls.values()),
        brier=_mean((one.confidence - one.right) ** 2 for one in named),
        calibration_error=sum(abs(one.predicted - one.observed) * one.count for one in found)
        / max(len(named), 1),
        by_method={method: pooled(said) for method, said in sorted(methods.items())},
        bins=found,
    )


def _mean(values: Iterable[float]) -> float:
    values = list(values)
    return sum(values) / len(values) if values else 0.0


def calibrate(judgements: Iterable[Judgement]) -> dict[str, float]:
    """Fit each method's confidence: the share of its calls that were right, one success and failure added.

    Counted by call, not by event, since the events of one call are right or wrong together. Judge the outcome
    on recordings that were not fitted. Put it under `confidence` in a registry of your own; `ancestry` that
    names a call is `ancestry_call` there.

    >>> right = [Judgement("s", f"c{n}", f"c{n}", "harness_event", 0.5) for n in range(98)]
    >>> calibrate(right)
    {'harness_event': 0.99}
    """
    calls: dict[str, dict[tuple[str, str], list[bool]]] = defaultdict(lambda: defaultdict(list))
    for one in judgements:
        if one.named:
            method = "ancestry_call" if one.method == "ancestry" else one.method
            calls[method][one.session, one.true].append(one.right)
    shares = {method: [_mean(right) for right in by_call.values()] for method, by_call in calls.items()}
    return {method: round((sum(all_) + 1) / (len(all_) + 2), 4) for method, all_ in sorted(shares.items())}
