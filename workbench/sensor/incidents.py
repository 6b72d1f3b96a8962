"""Incidents: the alerts of a session belong together, the same again is counted, and a storm is held back.

Nothing is lost by it: each finding is in the audit log, and what was held back is sent as a count.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from hashlib import sha256

from workbench.sensor.alert import Alert

SECOND = 1_000_000_000
_SAME = 60 * SECOND
_BURST = 10
_REFILL = 30 * SECOND
_MOST = 4_096


@dataclass
class _Held:
    """One rule of a session: when it was last sent, and what was held back since."""

    sent: int
    waiting: Alert | None = None
    count: int = 0


@dataclass
class _Incident:
    name: str
    tokens: float = _BURST
    refilled: int = 0
    rules: dict[tuple[str, str], _Held] = field(default_factory=dict)


class Incidents:
    """Lets through a rule's first alert for an actor, then one each `same` nanoseconds with their count.

    A session may send `burst` at once and one more each `refill` nanoseconds; what is contained always
    passes.
    """

    def __init__(self, *, same: int = _SAME, burst: int = _BURST, refill: int = _REFILL) -> None:
        self._same, self._burst, self._refill = same, burst, refill
        self._sessions: OrderedDict[str, _Incident] = OrderedDict()

    def offer(self, alert: Alert, now: int) -> list[Alert]:
        """Give what is to be sent for an alert at `now`, nanoseconds since 1970."""
        ready: list[Alert] = []
        incident = self._incident(alert, now, ready)
        alert.incident = incident.name
        key = (alert.finding.rule_id, alert.finding.actor)
        held = incident.rules.get(key)
        if alert.action in ("contained", "prevented"):
            incident.rules[key] = _Held(now)
            return [*ready, self._with_held(alert, held)]
        if held is not None and (held.count or now - held.sent < self._same):
            held.waiting, held.count = alert, held.count + 1
            return ready
        if not self._may_send(incident, now):
            incident.rules[key] = _Held(now, alert, 1)
            return ready
        incident.rules[key] = _Held(now)
        return [*ready, alert]

    @staticmethod
    def _with_held(alert: Alert, held: _Held | None) -> Alert:
        alert.repeated = held.count if held else 0
        return alert

    def due(self, now: int) -> list[Alert]:
        """Give what was held back long enough."""
        ready: list[Alert] = []
        for incident in self._sessions.values():
            for held in incident.rules.values():
                if held.waiting and now - held.sent >= self._same and self._may_send(incident, now):
                    ready += self._release(held)
                    held.sent = now
        return ready

    def flush(self) -> list[Alert]:
        """Give all that is held back."""
        every = [held for incident in self._sessions.values() for held in incident.rules.values()]
        return [alert for held in every for alert in self._release(held)]

    @staticmethod
    def _release(held: _Held) -> list[Alert]:
        if held.waiting is None:
            return []
        alert = held.waiting
        alert.repeated = held.count - 1
        held.waiting, held.count = None, 0
        return [alert]

    def _incident(self, alert: Alert, now: int, ready: list[Alert]) -> _Incident:
        session = alert.finding.session
        incident = self._sessions.get(session)
        if incident is None:
            name = sha256(f"{session}\0{alert.host}\0{now}".encode()).hexdigest()[:16]
            incident = self._sessions[session] = _Incident(name, self._burst, now)
            if len(self._sessions) > _MOST:
                _, old = self._sessions.popitem(last=False)
                ready += [each for held in old.rules.values() for each in self._release(held)]
        self._sessions.move_to_end(session)
        return incident

    def _may_send(self, incident: _Incident, now: int) -> bool:
        new = (now - incident.refilled) / self._refill
        incident.tokens, incident.refilled = min(self._burst, incident.tokens + max(new, 0.0)), now
        if incident.tokens < 1:
            return False
        incident.tokens -= 1
        return True
