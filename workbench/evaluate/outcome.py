"""What one pack did on one recording: the unit that evaluation adds up and workers send back."""

from __future__ import annotations

from sys import intern

import msgspec
from msgspec.structs import force_setattr

from workbench.dataset.session import Session

ALERTING = ("alert", "block")


def _share(told: msgspec.Struct, *names: str) -> None:
    """Hold each of these texts once, however many sessions have it: a worker sends it anew with each."""
    for name in names:
        value = getattr(told, name)
        shared = intern(value) if isinstance(value, str) else tuple(map(intern, value))
        force_setattr(told, name, shared)


class Moment(msgspec.Struct, frozen=True):
    """A place in a recording: the count of events before it, and the time in ns since 1970."""

    index: int
    timestamp: int


class Hit(msgspec.Struct, kw_only=True, frozen=True):
    """One finding, as far as evaluation needs it.

    `index` counts scored events from 0, −1 at the close; `decision` is the verdict of this finding and its
    event alone, which is what a sensor acts on; `steps` are the malicious steps the evidence belongs to, none
    when it rests on benign events only; `call` is the tool call it happened in.
    """

    rule_id: str
    title: str
    signal: str
    response: str
    decision: str
    index: int
    timestamp: int
    event_id: str
    evidence: tuple[str, ...]
    steps: tuple[str, ...] = ()
    call: str = ""

    def __post_init__(self) -> None:
        """Share what sessions have in common."""
        _share(self, "rule_id", "title", "signal", "response", "decision", "steps")


class Call(msgspec.Struct, kw_only=True, frozen=True):
    """One tool call of a session: where it began, the scenario's step it belongs to, and whose it was."""

    id: str
    tool: str
    step: str
    index: int
    malicious: bool

    def __post_init__(self) -> None:
        """Share what sessions have in common."""
        _share(self, "tool", "step")


_SHARED = (
    *("agent", "source", "scenario", "family", "twin_of", "mutator", "decision"),
    *("steps", "techniques", "alone", "near"),
)


class Outcome(msgspec.Struct, kw_only=True, frozen=True):
    """One recording scored by one pack.

    `began` is the first malicious event, `left` the one by which the secret left (None when nothing does),
    `alerted` the event at which the session's verdict became an alert, in an attack one that a malicious
    event has a part in. `alone` names the signals that would have alerted without the others, `risks` the
    strongest risk of each; `techniques` are those that its labels name. `near` holds the ids of rules that a
    benign event was one condition short of, `drift` the highest value of each drift field.
    """

    recording: str
    session: str
    agent: str
    source: str
    scenario: str
    family: str
    twin_of: str
    mutator: str
    started: int
    ended: int
    events: int
    steps: tuple[str, ...]
    techniques: tuple[str, ...]
    hits: tuple[Hit, ...]
    calls: tuple[Call, ...]
    score: float
    decision: str
    risks: dict[str, float]
    alone: tuple[str, ...]
    near: tuple[str, ...]
    drift: dict[str, float] = {}
    began: Moment | None = None
    left: Moment | None = None
    alerted: Moment | None = None

    def __post_init__(self) -> None:
        """Share what sessions have in common."""
        _share(self, *_SHARED)

    @property
    def malicious(self) -> bool:
        """Whether the recording holds an event labelled malicious."""
        return self.began is not None

    @property
    def called(self) -> bool:
        """Whether the fused verdict called the session an attack."""
        return self.alerted is not None

    @property
    def in_time(self) -> bool | None:
        """Whether the verdict came no later than the event by which the secret left; None when none left."""
        if self.left is None:
            return None
        return self.alerted is not None and self.alerted.index <= self.left.index

    def steps_caught(self, rule_id: str) -> list[str]:
        """Give the malicious steps a rule's findings rest on, in alphabetical order."""
        return sorted({step for hit in self.hits if hit.rule_id == rule_id for step in hit.steps})

    def callers(self) -> set[str]:
        """Give the rules that called the session: on an attack only those with evidence that is malicious."""
        return {hit.rule_id for hit in self.hits if hit.steps or not self.malicious}

    def caught_by(self, rule_id: str) -> bool:
        """Whether this rule called the session."""
        return rule_id in self.callers()


def family_of(session: Session) -> str:
    """Give the family of a session: its own, else the attack that it is a twin of, else the scenario."""
    settings = session.settings
    return str(settings.get("family") or settings.get("twin_of") or settings.get("scenario", ""))
