"""The response to findings: written down, excepted, alerted, blocked; each once, and nothing lost."""

from __future__ import annotations

import platform
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Protocol

import msgspec

from workbench.event import Event, Value, integer
from workbench.scorer import Finding
from workbench.scorer.verdict import Verdict
from workbench.sensor import blocked
from workbench.sensor.alert import Alert
from workbench.sensor.audit import AuditLog
from workbench.sensor.containment import contain
from workbench.sensor.exceptions import Excepted, Exceptions
from workbench.sensor.incidents import Incidents
from workbench.sensor.means.advance import finding_of
from workbench.sensor.means.chosen import Prevented
from workbench.sensor.tree import Tree

_RECENT = 8_192
_COUNTED = ("findings", "alerts", "blocks", "prevented", "excepted", "undelivered")
Fields = dict[str, Value]


class Outbox(Protocol):
    """Where alerts go."""

    def put(self, alert: Alert) -> int:
        """Take an alert for every sink; gives how many sinks had no room for it."""

    def keep_house(self) -> dict[str, int]:
        """Try again with what was held back; gives how much each sink still holds."""


class Responder:
    """Acts on findings; `enforce` lets it block, which a verdict must ask for."""

    def __init__(
        self,
        audit: AuditLog,
        outbox: Outbox,
        tree: Tree,
        *,
        enforce: bool = False,
        exceptions: Exceptions | None = None,
        incidents: Incidents | None = None,
    ) -> None:
        self.audit, self._outbox, self._tree, self._enforce = audit, outbox, tree, enforce
        self.exceptions = exceptions or Exceptions()
        self._incidents = incidents or Incidents()
        self._host = platform.node()
        self._directories: dict[str, str] = {}
        self._denied: OrderedDict[tuple[int, str, int], None] = OrderedDict()
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._pressed = False
        self.counts = dict.fromkeys(_COUNTED, 0)

    def works_in(self, session: str, directory: str) -> None:
        """Note where a session works: exceptions may be for a repository."""
        self._directories.setdefault(session, directory)

    def forget(self, session: str) -> None:
        """Forget a session that has ended."""
        self._directories.pop(session, None)

    def covers(self, rule: str, session: str | None) -> bool:
        """Whether an exception covers a rule in a session; in any at all, for None."""
        if session is None:
            return self.exceptions.names(rule, time.time_ns())
        return self._excepted(rule, session) is not None

    def _excepted(self, rule: str, session: str) -> Excepted | None:
        return self.exceptions.covers(rule, session, self._directories.get(session, ""), time.time_ns())

    def report(
        self, finding: Finding, verdict: Verdict, evidence: list[Fields], pack: str, event: Event
    ) -> None:
        """Write a finding down and do what its verdict says; `event` completed it."""
        self.counts["findings"] += 1
        alert = Alert(finding=finding, verdict=verdict, evidence=evidence, pack=pack, host=self._host)
        body = {"uid": alert.uid, "finding": finding, "verdict": verdict, "evidence": evidence}
        if lost := len({*finding.evidence, finding.event_id} - {""}) - len(evidence):
            body["evidence_not_kept"] = lost
        excepted = self._excepted(finding.rule_id, finding.session)
        if excepted is not None:
            self.counts["excepted"] += 1
            self.audit.append("excepted", body | {"exception": excepted}, finding.session)
            return
        self.audit.append("finding", body, finding.session)
        if event.get("event.outcome") == "failure" and _act(event) in self._denied:
            return  # it was told when it was denied
        if verdict.decision == "block":
            self._block(finding, evidence, alert)
        if verdict.decision != "audit":
            self.send(self._incidents.offer(alert, time.time_ns()))

    def prevented(self, done: Prevented, session: str, entity: str, pack: str) -> None:
        """Write down and tell what the kernel denied, before the event of the act that failed comes."""
        self.counts["prevented"] += 1
        event = dict(done.event)
        self._denied[_act(event)] = None
        if len(self._denied) > _RECENT:
            self._denied.popitem(last=False)
        now = time.time_ns()
        name = f"denied-{self.counts['prevented']}"
        event |= {"@timestamp": now, "event.id": name, "gen_ai.conversation.id": session}
        finding = finding_of(
            done.rule,
            timestamp=now,
            event_id=name,
            evidence=[name],
            session=session,
            entity_id=entity,
            reason=f"{blocked.act_of(event)}: denied",
        )
        verdict = Verdict(
            score=float(done.rule.risk), decision="block", findings=[done.rule.title], session=session
        )
        alert = Alert(
            finding=finding,
            verdict=verdict,
            action="prevented",
            evidence=[event],
            pack=pack,
            host=self._host,
            reason=blocked.reason(finding, event, "denied"),
        )
        told = {
            "uid": alert.uid,
            "rule": done.rule.id,
            "means": done.means,
            "prevented": blocked.act_of(event),
            "already_happened": [],
            "reason_told": done.reason_told,
            "event": event,
        }
        self.audit.append("prevented", told, session)
        self.send(self._incidents.offer(alert, now))

    def _block(self, finding: Finding, evidence: list[Fields], alert: Alert) -> None:
        if not self._enforce:
            alert.action = "would_block"
            self.audit.append(
                "would_block", {"uid": alert.uid, "because": "enforcement is off"}, finding.session
            )
            return
        alert.reason = blocked.reason(finding, evidence[-1] if evidence else {})
        alert.contained = contain(self._tree, finding.entity_id, alert.reason)
        self._note_ended(alert.contained.entities)
        if not alert.contained.refused:
            alert.action = "contained"
            self.counts["blocks"] += 1
        told = blocked.account(finding, list(evidence), alert.contained)
        self.audit.append("block", {"uid": alert.uid, **told}, finding.session)
        self.audit.checkpoint()

    def _note_ended(self, entities: list[str]) -> None:
        self._ended |= dict.fromkeys(entities)
        while len(self._ended) > _RECENT:
            self._ended.popitem(last=False)

    def pursue(self, event: Event) -> None:
        """End what an ended process had started in its last moment, as soon as an event tells of it."""
        if not self._ended:
            return
        forked = event["event.action"] == "fork"
        parent = str(event.get("process.entity_id" if forked else "process.parent.entity_id", ""))
        child = str(event.get("process.target.entity_id" if forked else "process.entity_id", ""))
        if parent not in self._ended or child in self._ended:
            return
        contained = contain(self._tree, child, "")
        self._note_ended([child, *contained.entities])
        if contained.killed:
            session = str(event.get("gen_ai.conversation.id", ""))
            self.audit.append("block_continued", {"killed": contained.killed}, session)

    def send(self, alerts: Iterable[Alert]) -> None:
        """Put alerts into the outbox; what finds no room is counted and told."""
        for alert in alerts:
            self.counts["alerts"] += 1
            if held := self._outbox.put(alert):
                self.counts["undelivered"] += held
                self.audit.append(
                    "gap",
                    {"uid": alert.uid, "because": f"{held} sinks had no room"},
                    alert.finding.session,
                )

    def keep_house(self, now: int, changed: Callable[[], None]) -> None:
        """Send what was held back long enough; `changed` is told when other exceptions hold."""
        self.send(self._incidents.due(now))
        if bool(held := self._outbox.keep_house()) != self._pressed:
            self._pressed = bool(held)
            self.audit.append("back_pressure", {"held": held} if held else {"over": True})
        records = self.exceptions.refresh(now)
        for kind, body in records:
            self.audit.append(kind, body)
        if records:
            changed()

    def send_again(self, findings: Iterable[dict[str, Any]]) -> None:
        """Send what a sensor that died had written down last: whether it was sent, nobody knows."""
        for body in findings:
            with suppress(msgspec.ValidationError, KeyError, TypeError):
                told = {name: body[name] for name in ("finding", "verdict", "evidence") if name in body}
                alert = msgspec.convert(told, Alert)
                if alert.verdict.decision != "audit":
                    self.send([msgspec.structs.replace(alert, host=self._host)])

    def close(self) -> None:
        """Send all that was held back."""
        self.send(self._incidents.flush())


def _act(event: Event) -> tuple[int, str, int]:
    """Give what names an act that can be denied: its process and its object."""
    thing = event.get("file.path") or event.get("destination.ip", "")
    return integer(event, "process.pid"), str(thing), integer(event, "destination.port")
