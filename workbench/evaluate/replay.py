"""Score one recording from its beginning to its close, and note all that evaluation asks of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from workbench.dataset.recording import Recording
from workbench.dataset.session import Label
from workbench.evaluate.exfiltration import leaves
from workbench.evaluate.near_miss import NearMisses
from workbench.evaluate.outcome import ALERTING, Call, Hit, Moment, Outcome, family_of
from workbench.event import Event, integer
from workbench.fields import FIELDS
from workbench.scorer import Finding, Scorer
from workbench.scorer.verdict import DECISIONS, SIGNALS, Verdict, Weighing, read_weights

_DRIFT = tuple(name for name in FIELDS if name.startswith("drift."))

Change = Callable[[Sequence[Event], str], Iterable[Event]]
"""What is done to a session's events (with its id) before scoring, such as losing some; it must pickle."""


class Variant(NamedTuple):
    """One way to score a recording: a payload, what is done to the events, whether near misses are noted.

    Near misses take a third of the time, and are the same whatever is lost.
    """

    payload: bytes
    change: Change | None = None
    near: bool = True


@lru_cache(maxsize=4)
def _prepared(payload: bytes) -> tuple[Scorer, NearMisses]:
    """Compile the rules once a process: that takes as long as scoring a session."""
    scorer = Scorer.from_payload(payload)
    return scorer, NearMisses(scorer.plan)


def replay(directory: Path, *, variants: Sequence[Variant]) -> list[Outcome]:
    """Score one recording in each way, as a scorer that has seen nothing before would; it is read once."""
    recording = Recording.open(directory)
    events = list(recording.events())
    return [_replay(recording, events, variant) for variant in variants]


def _replay(recording: Recording, events: Sequence[Event], variant: Variant) -> Outcome:
    scorer, near = _prepared(variant.payload)
    near.forget()
    run = _Run(scorer.anew(), recording, near if variant.near else None)
    for event in variant.change(events, recording.session.id) if variant.change else events:
        run.score(event)
    return run.end(recording.path.name)


class _Run:
    """One session on its way through the scorer."""

    def __init__(self, scorer: Scorer, recording: Recording, near: NearMisses | None) -> None:
        self._scorer, self._near = scorer, near
        self._session = recording.session
        self._labels = {label.event_id: label for label in recording.labels()}
        self._guilty = {name for name, label in self._labels.items() if label.label == "malicious"}
        self._events = 0
        self._drift: dict[str, float] = {}
        self._hits: list[Hit] = []
        self._calls: dict[str, Call] = {}
        self._began: Moment | None = None
        self._left: Moment | None = None
        self._alerted: Moment | None = None
        self._grounded = not self._guilty
        self._signals = {signal: Weighing() for signal in SIGNALS}
        self._fusion = read_weights(scorer.payload.fusion)

    def score(self, event: Event) -> None:
        label = self._labels.get(str(event.get("event.id", "")))
        here = Moment(self._events, integer(event, "@timestamp"))
        guilty = label is not None and label.label == "malicious"
        if guilty and label is not None:
            self._began = self._began or here
            if self._left is None and leaves(event, label.techniques):
                self._left = here
        if event.get("event.action") == "tool_call":
            self._call(event, label)
        own, matched = self._scorer.examine(event)
        if self._near and not guilty:
            self._near.look(own, matched)
        findings = self._scorer.conclude(own, matched)
        if findings or "risk.intrinsic" in own:
            self._grounded = self._grounded or (guilty and "risk.intrinsic" in own)
            self._note(own, findings, here)
        for name in _DRIFT:
            if (value := own.get(name)) is not None:
                self._drift[name] = max(float(value), self._drift.get(name, float(value)))  # type: ignore[arg-type]  # numbers
        self._events += 1

    def _call(self, event: Event, label: Label | None) -> None:
        name = str(event.get("gen_ai.tool.call.id", ""))
        call = Call(
            id=name,
            tool=str(event.get("gen_ai.tool.name", "")),
            step=label.step if label else "",
            index=self._events,
            malicious=label is not None and label.label == "malicious",
        )
        self._calls.setdefault(name, call)

    def _note(self, own: Event, findings: Sequence[Finding], here: Moment, *, closing: bool = False) -> None:
        hits = [self._hit(own, finding, -1 if closing else here.index) for finding in findings]
        self._hits += hits
        self._grounded = self._grounded or any(hit.steps for hit in hits)
        confident = self._fusion["block_confidence"]
        for signal, weighing in self._signals.items():
            # In an attack, what rests on benign events alone does not make a signal right.
            right = [f for f, hit in zip(findings, hits, strict=True) if hit.steps or not self._guilty]
            of_signal = [finding for finding in right if finding.signal == signal]
            weighing.add(own if signal == "intrinsic" else {}, of_signal, confident)
        verdict = self._verdict()
        if self._alerted is None and self._grounded and verdict.decision in ALERTING:
            self._alerted = here

    def _hit(self, own: Event, finding: Finding, index: int) -> Hit:
        alone = Weighing()
        about = own if finding.session == own.get("gen_ai.conversation.id", "") else {}
        alone.add(about, [finding], self._fusion["block_confidence"])
        steps = {self._labels[name].step for name in finding.evidence if name in self._guilty}
        return Hit(
            rule_id=finding.rule_id,
            title=finding.rule_title,
            signal=finding.signal,
            response=finding.response,
            decision=alone.verdict(self._fusion).decision,
            index=index,
            timestamp=finding.timestamp,
            event_id=finding.event_id,
            evidence=tuple(finding.evidence),
            steps=tuple(sorted(steps)),
            call=finding.tool_call_id,
        )

    def end(self, name: str) -> Outcome:
        session = self._session
        self._note({}, self._scorer.close(), Moment(self._events, self._scorer.now), closing=True)
        verdict = self._verdict()
        settings = session.settings
        return Outcome(
            recording=name,
            session=session.id,
            agent=session.agent,
            source=session.source,
            scenario=str(settings.get("scenario", "")),
            family=family_of(session),
            twin_of=str(settings.get("twin_of", "")),
            mutator=str(settings.get("mutator", "")),
            started=session.started,
            ended=session.ended,
            events=self._events,
            steps=tuple(dict.fromkeys(self._labels[event].step for event in sorted(self._guilty))),
            techniques=tuple(sorted({t for event in self._guilty for t in self._labels[event].techniques})),
            hits=tuple(self._hits),
            calls=tuple(self._calls.values()),
            score=verdict.score,
            decision=verdict.decision,
            risks=dict(self._scorer.verdicts.risks(verdict.session)),
            alone=tuple(self._alone()),
            near=self._near.rules() if self._near else (),
            drift=dict(sorted(self._drift.items())),
            # A session whose malicious events were all lost is still an attack.
            began=self._began or (Moment(self._events, session.ended) if self._guilty else None),
            left=self._left,
            alerted=self._alerted,
        )

    def _verdict(self) -> Verdict:
        """Give the verdict of the recording's session, or of another in it that is worse."""
        verdicts = self._scorer.verdicts
        others = [verdict for verdict in verdicts.sessions() if verdict.session]
        return max([verdicts.session(self._session.id), *others], key=_gravity)

    def _alone(self) -> Iterator[str]:
        for signal, weighing in self._signals.items():
            if weighing.verdict(self._fusion).decision in ALERTING:
                yield signal


def _gravity(verdict: Verdict) -> tuple[int, float]:
    return DECISIONS.index(verdict.decision), verdict.score
