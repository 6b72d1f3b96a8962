"""Verdicts: the findings of the four signals fused into one score from 0 to 100, and a decision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import exp, isnan
from typing import Annotated, Any

import msgspec

from workbench.errors import PackError
from workbench.event import Event
from workbench.scorer.enrich.bounded import Bounded
from workbench.scorer.finding import Finding

SIGNALS = ("intrinsic", "pattern", "drift", "compliance")
DECISIONS = ("audit", "alert", "block")
_ALERT, _BLOCK = 1, 2

FUSION: Mapping[str, Any] = {
    "bias": -4.0,
    "weights": {"intrinsic": 3.0, "pattern": 7.0, "drift": 1.0, "compliance": 5.0},
    "alert": 50,
    "block": 80,
    "block_confidence": 0.7,
}
"""How signals weigh, judged by hand: log-odds for a risk of 100, as a logistic regression would fit them.

Drift weighs least: over the training and validation recordings, each half scored with the other's baseline, a
weight of 1.5 and more makes an alert of a benign session, and no weight up to 3 catches one attack more.

From the score `alert` on, a verdict is an alert whatever the findings ask for. What a finding asks to block
is a block only from the score `block` on, and with a finding at least as sure as `block_confidence`, lest an
unlikely way of the data stops someone's work.
"""

_MAX_SESSIONS = 4_096
_Weight = Annotated[float, msgspec.Meta(ge=0, le=1e6)]
_Score = Annotated[float, msgspec.Meta(ge=0, le=100)]


class Weights(msgspec.Struct, forbid_unknown_fields=True):
    """How much each signal weighs, in log-odds."""

    intrinsic: _Weight
    pattern: _Weight
    drift: _Weight
    compliance: _Weight


class Fusion(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What a pack says of fusion; the rest is `FUSION`'s."""

    bias: Annotated[float, msgspec.Meta(ge=-1e6, le=1e6)] | None = None
    weights: Weights | None = None
    alert: _Score | None = None
    block: _Score | None = None
    block_confidence: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None


def read_weights(data: Mapping[str, Any]) -> dict[str, Any]:
    """Give all that fusion needs, of a pack's `fusion` over `FUSION`; raises PackError."""
    try:
        found = msgspec.to_builtins(msgspec.convert(data, Fusion))
    except msgspec.ValidationError as error:
        raise PackError(f"fusion is malformed: {error}", mend="calibrate again") from None
    numbers = {**found, **found.get("weights", {})}
    if any(isnan(number) for name, number in numbers.items() if name != "weights"):
        raise PackError("fusion has a weight that is no number", mend="calibrate again")
    return {**FUSION, **found}


class Verdict(msgspec.Struct, kw_only=True, frozen=True):
    """The fused score of an event or session.

    `shares` tell how many of the score's points each signal gave; `findings` name the rules behind them,
    heaviest first.
    """

    score: float
    decision: str
    shares: dict[str, float] = {}
    findings: list[str] = []
    reasons: list[str] = []
    session: str = ""
    event_id: str = ""


class Weighing:
    """What is known of one event or session: each signal's heaviest finding, so noise does not add up."""

    def __init__(self) -> None:
        self.risks: dict[str, float] = {}
        self._heaviest: dict[str, tuple[float, str, str]] = {}
        self._asked = 0

    def add(self, event: Event, findings: Iterable[Finding], block_confidence: float) -> None:
        """Weigh an event's own risk and its findings."""
        self.weigh_event(event)
        for finding in findings:
            self.weigh(finding, block_confidence)

    def weigh_event(self, event: Event) -> None:
        """Weigh an event's own risk."""
        risk = event.get("risk.intrinsic")
        if isinstance(risk, int) and risk / 100 > self.risks.get("intrinsic", 0.0):
            self._heavier("intrinsic", risk / 100, "intrinsic", str(event.get("risk.reason", "")))

    def weigh(self, finding: Finding, block_confidence: float) -> None:
        """Weigh a finding; its risk counts as much as its confidence."""
        confidence = min(1.0, max(0.0, finding.confidence))
        self._heavier(
            finding.signal,
            finding.risk / 100 * confidence,
            finding.rule_title or finding.rule_id,
            finding.reason,
        )
        asked = DECISIONS.index(finding.response)
        if asked == _BLOCK and confidence < block_confidence:
            asked -= 1
        self._asked = max(self._asked, asked)

    def _heavier(self, signal: str, risk: float, name: str, reason: str) -> None:
        if risk > self.risks.get(signal, 0.0):
            self.risks[signal] = risk
            self._heaviest[signal] = (risk, name, reason)

    def verdict(self, fusion: Mapping[str, Any], *, session: str = "", event_id: str = "") -> Verdict:
        """Fuse what was weighed."""
        weights = fusion["weights"]
        pulls = {signal: weights[signal] * risk for signal, risk in self.risks.items() if weights[signal] > 0}
        total = sum(pulls.values())
        score = 100 * _logistic(fusion["bias"] + total) if total else 0.0
        decision = self._asked
        if decision == _BLOCK and score < fusion["block"]:
            decision = _ALERT
        elif decision < _ALERT and score >= fusion["alert"]:
            decision = _ALERT  # never a block: only a rule whose false positives were measured asks for that
        ranked = sorted(self._heaviest.values(), reverse=True)
        return Verdict(
            score=round(score, 1),
            decision=DECISIONS[decision],
            shares={
                signal: round(score * pull / total, 1)
                for signal, pull in sorted(pulls.items(), key=lambda item: -item[1])
            },
            findings=[name for _, name, _ in ranked],
            reasons=[reason for _, _, reason in ranked if reason],
            session=session,
            event_id=event_id,
        )

    def snapshot(self) -> list[Any]:
        """Give the state as plain data."""
        return [self._asked, {signal: list(found) for signal, found in self._heaviest.items()}]

    @classmethod
    def restored(cls, data: list[Any]) -> Weighing:
        """Give what `snapshot` told."""
        weighing = cls()
        weighing._asked = data[0]
        weighing._heaviest = {
            signal: (risk, name, reason) for signal, (risk, name, reason) in data[1].items()
        }
        weighing.risks = {signal: found[0] for signal, found in weighing._heaviest.items()}
        return weighing


def _logistic(x: float) -> float:
    return 1 / (1 + exp(-x))


class Verdicts:
    """Gives the verdict of each event with findings, and of each session so far.

    >>> verdicts = Verdicts()
    >>> finding = Finding(rule_id="1", rule_title="Key sent out", level="high", signal="pattern", risk=85,
    ...                   response="alert", timestamp=0, event_id="e1", session="s1")
    >>> event = {"event.id": "e1", "risk.intrinsic": 75, "gen_ai.conversation.id": "s1"}
    >>> verdict = verdicts.update(event, [finding])
    >>> verdict.score, verdict.decision, verdict.shares
    (98.5, 'alert', {'pattern': 71.5, 'intrinsic': 27.0})
    """

    def __init__(self, fusion: Mapping[str, Any] | None = None, *, max_sessions: int = _MAX_SESSIONS) -> None:
        self._fusion = read_weights(fusion or {})
        self._confident: float = self._fusion["block_confidence"]
        self._sessions: Bounded[str, Weighing] = Bounded(max_sessions)

    @property
    def evicted(self) -> int:
        """How many sessions were forgotten for lack of room."""
        return self._sessions.evicted

    def update(self, event: Event, findings: Iterable[Finding]) -> Verdict:
        """Give the event's verdict, and let its session remember it."""
        findings = list(findings)
        self.note(event, findings)
        weighing = Weighing()
        weighing.add(event, findings, self._confident)
        session, event_id = str(event.get("gen_ai.conversation.id", "")), str(event.get("event.id", ""))
        return weighing.verdict(self._fusion, session=session, event_id=event_id)

    def note(self, event: Event, findings: Iterable[Finding]) -> None:
        """Let the sessions remember an event.

        A finding is remembered by its own session, which need not be the event's when a window closed late.
        """
        session = str(event.get("gen_ai.conversation.id", ""))
        if "risk.intrinsic" in event:
            self._weighing(session).weigh_event(event)
        for finding in findings:
            self._weighing(finding.session or session).weigh(finding, self._confident)

    def _weighing(self, session: str) -> Weighing:
        known = self._sessions.get(session)
        if known is None:
            known = Weighing()
            self._sessions.put(session, known)
        return known

    def session(self, session: str) -> Verdict:
        """Give a session's verdict so far."""
        weighing = self._sessions.peek(session) or Weighing()
        return weighing.verdict(self._fusion, session=session)

    def risks(self, session: str) -> dict[str, float]:
        """Give the strongest risk, 0 to 1, of each signal that a session has shown."""
        weighing = self._sessions.peek(session)
        return dict(weighing.risks) if weighing else {}

    def sessions(self) -> list[Verdict]:
        """Give every session's verdict so far, worst first."""
        verdicts = [weighing.verdict(self._fusion, session=name) for name, weighing in self._sessions.items()]
        return sorted(verdicts, key=lambda verdict: -verdict.score)

    def snapshot(self) -> dict[str, Any]:
        """Give the state as plain data."""
        sessions = {name: weighing.snapshot() for name, weighing in self._sessions.items()}
        return {"sessions": sessions, "evicted": self.evicted}

    def restore(self, data: Mapping[str, Any]) -> None:
        """Take up the state that `snapshot` gave."""
        self._sessions.clear()
        for name, weighing in data["sessions"].items():
            self._sessions.put(name, Weighing.restored(weighing))
        self._sessions.evicted = data["evicted"]
