"""Run a pack over a dataset, a session at a time, on any `map`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from workbench.evaluate.metrics import Judged, Metrics, measure
from workbench.evaluate.outcome import Outcome
from workbench.evaluate.replay import Variant, replay
from workbench.scorer import Scorer
from workbench.scorer.plan import Plan, Rule
from workbench.scorer.verdict import SIGNALS

Task = Callable[[Path], list[Outcome]]
Map = Callable[[Task, Iterable[Path]], Iterable[list[Outcome]]]


@dataclass(frozen=True)
class RuleResult:
    """What one rule did over all sessions; `scenarios` gives the steps its findings rest on.

    `near_misses` counts benign sessions with an event one condition short of a match, or matched. `proven` is
    false for a rule that never was wrong where nothing benign came near it.
    """

    rule_id: str
    title: str
    signal: str
    response: str
    budget: float | None
    metrics: Metrics
    scenarios: dict[str, list[str]]
    near_misses: int

    @property
    def proven(self) -> bool:
        """Whether the rule's precision says anything."""
        return self.metrics.precision != 1.0 or self.near_misses > 0


@dataclass(frozen=True)
class Report:
    """A backtest: outcomes of sessions, metrics of each rule, each signal alone and the fused verdict."""

    outcomes: tuple[Outcome, ...]
    rules: tuple[RuleResult, ...]
    verdict: Metrics
    signals: dict[str, Metrics]


def outcomes(
    variants: Sequence[Variant], directories: Iterable[Path], *, map: Map = map
) -> Iterator[list[Outcome]]:
    """Score every recording in each way, in order, as the results come; none is kept here."""
    return iter(map(partial(replay, variants=tuple(variants)), directories))


def backtest(payload: bytes, directories: Iterable[Path], *, map: Map = map) -> Report:
    """Score every recording with the pack's payload and add up.

    `map` may be any, such as `concurrent.futures.Executor.map`: one call is one session, so the findings do
    not depend on it.
    """
    found = (outcome for (outcome,) in outcomes([Variant(payload)], directories, map=map))
    return add_up(found, Scorer.from_payload(payload).plan)


def add_up(found: Iterable[Outcome], plan: Plan) -> Report:
    """Add up outcomes of a pack with this plan."""
    known = tuple(found)
    return Report(
        outcomes=known,
        rules=tuple(_judge_rule(known, rule) for rule in plan.rules if not rule.silent),
        verdict=measure([judged(outcome, outcome.called) for outcome in known]),
        signals={signal: measure([judged(one, signal in one.alone) for one in known]) for signal in SIGNALS},
    )


def judged(outcome: Outcome, called: bool) -> Judged:
    """Give an outcome as a judged session."""
    return Judged(outcome.malicious, called, outcome.ended - outcome.started)


def _judge_rule(known: Sequence[Outcome], rule: Rule) -> RuleResult:
    scenarios: dict[str, list[str]] = {}
    for outcome in known:
        if steps := outcome.steps_caught(rule.id):
            scenarios[outcome.scenario] = sorted({*scenarios.get(outcome.scenario, ()), *steps})
    benign = [outcome for outcome in known if not outcome.malicious]
    return RuleResult(
        rule_id=rule.id,
        title=rule.title,
        signal=rule.signal,
        response=rule.response,
        budget=rule.budget,
        metrics=measure([judged(outcome, outcome.caught_by(rule.id)) for outcome in known]),
        scenarios=scenarios,
        near_misses=sum(rule.id in one.near or one.caught_by(rule.id) for one in benign),
    )
