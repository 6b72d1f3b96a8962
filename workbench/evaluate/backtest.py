"""Run a pack over a dataset, a session at a time, on any `map`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from workbench.dataset.recording import Recording
from workbench.evaluate.metrics import ALERTING, Judged, Metrics, measure
from workbench.evaluate.outcome import Hit, Outcome
from workbench.scorer import Finding, Scorer
from workbench.scorer.plan import Rule

Map = Callable[[Callable[[Path], Outcome], Iterable[Path]], Iterable[Outcome]]


@dataclass(frozen=True)
class RuleResult:
    """What one rule did over all sessions; `steps` are the scenario steps its findings rest on."""

    rule_id: str
    title: str
    signal: str
    metrics: Metrics
    scenarios: dict[str, list[str]]


@dataclass(frozen=True)
class Report:
    """A backtest: each session's outcome, each rule's metrics, and the fused verdict's."""

    outcomes: tuple[Outcome, ...]
    rules: tuple[RuleResult, ...]
    verdict: Metrics


def replay(payload: bytes, directory: Path) -> Outcome:
    """Score one recording from its beginning to its close with a scorer of its own."""
    recording = Recording.open(directory)
    scorer = Scorer.from_payload(payload)
    hits: list[Hit] = []
    index = -1
    for index, event in enumerate(recording.events()):
        hits.extend(_hit(finding, index) for finding in scorer.score(event))
    hits.extend(_hit(finding, -1) for finding in scorer.close())
    session = recording.session
    verdict = scorer.verdicts.session(session.id)
    return Outcome(
        recording=directory.name,
        session=session.id,
        agent=session.agent,
        source=session.source,
        scenario=str(session.settings.get("scenario", "")),
        twin_of=str(session.settings.get("twin_of", "")),
        started=session.started,
        ended=session.ended,
        events=index + 1,
        steps={label.event_id: label.step for label in recording.labels() if label.label == "malicious"},
        hits=tuple(hits),
        score=verdict.score,
        decision=verdict.decision,
    )


def _hit(finding: Finding, index: int) -> Hit:
    return Hit(
        rule_id=finding.rule_id,
        title=finding.rule_title,
        signal=finding.signal,
        response=finding.response,
        index=index,
        timestamp=finding.timestamp,
        event_id=finding.event_id,
        evidence=tuple(finding.evidence),
    )


def backtest(payload: bytes, directories: Iterable[Path], *, map: Map = map) -> Report:
    """Score every recording with the pack's payload and add up.

    `map` may be any, such as `concurrent.futures.Executor.map`: one call is one session, so the findings do
    not depend on it.
    """
    outcomes = tuple(map(partial(replay, payload), directories))
    loud = [rule for rule in Scorer.from_payload(payload).plan.rules if not rule.silent]
    return Report(
        outcomes=outcomes,
        rules=tuple(_judge_rule(outcomes, rule) for rule in loud),
        verdict=measure([_judged(o, o.decision in ALERTING) for o in outcomes]),
    )


def _judged(outcome: Outcome, called: bool) -> Judged:
    return Judged(outcome.malicious, called, outcome.ended - outcome.started)


def _judge_rule(outcomes: Sequence[Outcome], rule: Rule) -> RuleResult:
    judged: list[Judged] = []
    scenarios: dict[str, list[str]] = {}
    for outcome in outcomes:
        hits = [hit for hit in outcome.hits if hit.rule_id == rule.id]
        # A finding that rests on no malicious event is none, even where the session has others.
        called = any(map(outcome.caught, hits)) if outcome.malicious else bool(hits)
        judged.append(_judged(outcome, called))
        if steps := outcome.steps_caught(rule.id):
            scenarios[outcome.scenario] = sorted({*scenarios.get(outcome.scenario, ()), *steps})
    return RuleResult(rule.id, rule.title, rule.signal, measure(judged), scenarios)
