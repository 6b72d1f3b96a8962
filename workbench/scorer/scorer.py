"""The scorer: pack + event → findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

import msgspec
import re2

from workbench.errors import EventError, InputError, PackError
from workbench.event import Event, Value, check_event
from workbench.scorer.correlator import SESSION, Correlator, Fired
from workbench.scorer.finding import Finding
from workbench.scorer.groups import LIMITS, Limits
from workbench.scorer.links import Links
from workbench.scorer.matcher import Matcher, kind_of, predicates_of
from workbench.scorer.memory import restore, save
from workbench.scorer.payload import Payload, decode_payload, open_pack
from workbench.scorer.plan import rules_by_data
from workbench.scorer.reason import Reasons
from workbench.scorer.stages import Stages
from workbench.scorer.verdict import Verdicts

_LIMIT = 2**63
# What work on a field of the wrong type raises: to look at every type beforehand would cost a third more.
_NOT_ONE = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError)

if TYPE_CHECKING:
    from workbench.scorer.envelope import PublicKey


class _Verdicts(msgspec.Struct):
    sessions: dict[str, tuple[int, dict[str, tuple[float, str, str]]]]
    evicted: int


class _Snapshot(msgspec.Struct):
    now: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
    serial: int
    reordered: int
    correlations: Any
    stages: dict[str, dict[str, Any]]
    verdicts: _Verdicts


class Scorer:
    """Scores events, one at a time, in order of (`@timestamp`, `event.sequence`).

    Given the same pack and the same events it says the same; its memory is bounded, and `counts` tells what
    it had to forget.
    """

    def __init__(self, payload: Payload, *, enrich: bool = True, limits: Limits = LIMITS) -> None:
        self.payload = payload
        self.plan = payload.plan
        self._limits = limits
        rules = range(len(self.plan.rules))
        self._labels = {number: label for number in rules if (label := self.plan.rules[number].label)}
        self.stages = Stages(payload) if enrich else None
        predicates = predicates_of(self.plan, rules)
        self._labelling = Matcher(self.plan, self._labels, predicates) if self._labels else None
        others = [number for number in rules if number not in self._labels]
        self._matcher = Matcher(self.plan, others, predicates)
        self._loud = [not rule.silent for rule in self.plan.rules]
        self._correlator = Correlator(self.plan, self.stages.links if self.stages else Links(), limits)
        self._by_data = rules_by_data(self.plan)
        self._reasons = Reasons(self.plan)
        self.verdicts = Verdicts(payload.fusion)
        self.fired: list[Fired] = []
        self._now = 0
        self._serial = 0
        self._reordered = 0

    @classmethod
    def load(
        cls, path: Path | str, trust: PublicKey | Iterable[PublicKey], *, now: int | None = None
    ) -> Self:
        """Verify the pack file against the trusted keys, then decode it.

        Raises SignatureError, PackVersionError or another PackError, each naming the file and the mend, and
        InputError for a key that is none.
        """
        return cls.of(decode_payload(open_pack(path, trust), Path(path), now), Path(path))

    @classmethod
    def from_payload(cls, payload: bytes, *, enrich: bool = True) -> Self:
        """Build from an unsigned payload, as tests and notebooks do; raises PackError."""
        return cls.of(decode_payload(payload), enrich=enrich)

    @classmethod
    def of(cls, payload: Payload, place: Path | None = None, *, enrich: bool = True) -> Self:
        """Build from a decoded payload; raises PackError, naming `place`, when this scorer cannot run it."""
        try:
            return cls(payload, enrich=enrich)
        except PackError as error:
            raise PackError(error.cause, place=place, mend=error.mend or "build the pack again") from None
        except (*_NOT_ONE, RecursionError, re2.error) as error:
            cause = f"a registry or baseline is malformed: {error!r}"
            raise PackError(cause[:300], place=place, mend="build the pack again") from error

    def anew(self) -> Self:
        """Give a scorer of the same pack that has seen nothing; what was compiled is shared."""
        other = copy(self)
        other.stages = self.stages.anew() if self.stages else None
        links = other.stages.links if other.stages else Links()
        other._correlator = Correlator(self.plan, links, self._limits)
        other.verdicts = Verdicts(self.payload.fusion)
        other._now = other._serial = other._reordered = 0
        return other

    @property
    def correlator(self) -> Correlator:
        """The correlations at run time; `fired` holds those that fired last, silent ones among them."""
        return self._correlator

    @property
    def now(self) -> int:
        """The time of the latest event, nanoseconds since 1970."""
        return self._now

    def score(self, event: Event) -> list[Finding]:
        """Take one event; give the findings that it completes, usually none.

        An event that is older than one before it is counted, and taken at that one's time. Raises EventError
        for what is not an event: no time, no kind, or a field of a type that it cannot have.
        """
        return self.conclude(*self.examine(event))

    def examine(self, event: Event) -> tuple[dict[str, Value], tuple[int, ...]]:
        """Enrich a copy of the event and give it with the numbers of the detections that it matches."""
        now = event.get("@timestamp")
        if now.__class__ is not int or not -_LIMIT <= now < _LIMIT:
            raise EventError("@timestamp is no 64-bit integer", mend="decode it with workbench.event")
        if now < self._now:
            self._reordered += 1
        else:
            self._now = now
        self._serial += 1
        try:
            own: dict[str, Value] = dict(event)
            if self.stages:
                self.stages.apply(own)
            kind = kind_of(own)
            if not self._labelling:
                return own, self._matcher.match_kind(kind, own)
            matched = self._labelling.match_kind(kind, own)
            if self.stages:
                self.stages.follow(own, [self._labels[number] for number in matched] if matched else ())
            return own, matched + self._matcher.match_kind(kind, own)
        except _NOT_ONE as error:
            raise _refusal(event, error) from error

    def conclude(self, own: Event, matched: tuple[int, ...]) -> list[Finding]:
        """Give the findings that an examined event completes, windows that closed before it first."""
        try:
            now, serial, correlator = self._now, self._serial, self._correlator
            fired = correlator.advance(now, serial)
            if matched:
                fired += correlator.observe(matched, own, now, serial)
            ends = own.get("event.action") == "session_end"
            if ends:
                fired += correlator.end(str(own.get(SESSION, "")), now, serial)
            findings = []
            if matched:
                findings = [self._detection(number, own, now) for number in matched if self._loud[number]]
            self.fired = fired
            if fired:
                findings += [self.finding_of(done) for done in fired if self._loud[done.rule]]
            if findings or "risk.intrinsic" in own:
                self.verdicts.note(own, findings)
            if ends and self.stages:
                session = str(own.get(SESSION, ""))
                self.stages.end(session, now, alerted=self.verdicts.session(session).decision != "audit")
            return findings
        except _NOT_ONE as error:
            raise _refusal(own, error) from error

    def close(self) -> list[Finding]:
        """Close every open window; give what was still waiting for something that never came."""
        self.fired = fired = self._correlator.end(None, self._now, self._serial)
        findings = [self.finding_of(done) for done in fired if self._loud[done.rule]]
        self.verdicts.note({}, findings)
        return findings

    def counts(self) -> Mapping[str, int]:
        """Give what was seen and what had to be forgotten: events, reordered, groups, evictions …"""
        stages = self.stages.counts() if self.stages else {}
        return {"events": self._serial, "reordered": self._reordered, **self._correlator.counts(), **stages}

    def _detection(self, number: int, event: Event, now: int) -> Finding:
        rule = self.plan.rules[number]
        event_id = str(event.get("event.id", ""))
        return self._finding(
            number, event, now, [event_id], [rule.name or rule.title], self._reasons.detection(number)
        )

    def finding_of(self, fired: Fired) -> Finding:
        """Put a correlation that fired into a finding."""
        sightings = fired.completion.sightings
        evidence = [event for sighting in sightings for event in sighting.events]
        steps = [name for sighting in sightings for name in sighting.rules]
        reason = self._reasons.correlation(fired.rule, steps)
        return self._finding(fired.rule, fired.event, fired.time, evidence, steps, reason)

    def _finding(
        self, number: int, event: Event, time: int, evidence: list[str], steps: list[str], reason: str
    ) -> Finding:
        rule = self.plan.rules[number]
        by_data = number in self._by_data
        return Finding(
            rule_id=rule.id,
            rule_title=rule.title,
            level=rule.level,
            signal=rule.signal,
            risk=rule.risk,
            response=rule.response,
            confidence=float(event.get("provenance.confidence", 1.0)) if by_data else 1.0,  # type: ignore[arg-type]  # provenance's own
            timestamp=time,
            event_id=str(event.get("event.id", "")),
            evidence=evidence,
            steps=steps,
            session=str(event.get(SESSION, "")),
            entity_id=str(event.get("process.entity_id", "")),
            tool_call_id=str(event.get("gen_ai.tool.call.id", "")),
            actor=str(event.get("attribution.actor", "")),
            reason=reason,
            provenance_path=self.stages.path(event) if by_data and self.stages else [],
            tags=list(rule.tags),
        )

    def snapshot(self) -> dict[str, Any]:
        """Give the state as plain data, so that a sequence begun now completes after a restart."""
        return {
            "now": self._now,
            "serial": self._serial,
            "reordered": self._reordered,
            "correlations": save(self.plan, self._correlator),
            "stages": self.stages.snapshot() if self.stages else {},
            "verdicts": self.verdicts.snapshot(),
        }

    def restore(self, data: Mapping[str, Any]) -> int:
        """Take up a state that `snapshot` gave, under this pack or another.

        Gives how many groups and windows were left because no rule means what theirs did. Raises InputError
        when the data is malformed; the scorer is then to be thrown away.
        """
        try:
            saved = msgspec.convert(data, _Snapshot)
            self._now, self._serial, self._reordered = saved.now, saved.serial, saved.reordered
            left = restore(self.plan, self._correlator, saved.correlations)
            if self.stages:
                self.stages.restore(saved.stages)
            self.verdicts.restore(msgspec.structs.asdict(saved.verdicts))
            self.counts()
        except (*_NOT_ONE, RecursionError) as error:
            raise InputError(f"the snapshot is malformed: {error!r}", mend="start without it") from None
        return left


def _refusal(event: Event, error: Exception) -> EventError:
    """Name what keeps it from being an event."""
    try:
        check_event(event)
        cause = str(error)
    except (ValueError, TypeError, AttributeError) as fault:
        cause = str(fault)
    return EventError(f"not an event: {cause[:200]}", mend="decode it with workbench.event")
