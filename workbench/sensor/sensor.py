"""The sensor's loop: takes events, has them scored, responds, and writes down what it saw and did."""

from __future__ import annotations

import gc
import platform
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Protocol

import msgspec

from workbench.event import Event, Value, integer
from workbench.scorer import Finding
from workbench.sensor import blocked
from workbench.sensor.alert import Alert
from workbench.sensor.audit import AuditLog
from workbench.sensor.containment import contain
from workbench.sensor.exceptions import Exceptions
from workbench.sensor.feed import Feed
from workbench.sensor.incidents import Incidents
from workbench.sensor.latency import Latency
from workbench.sensor.packs import Packs
from workbench.sensor.tampering import Tampering
from workbench.sensor.tree import Tree

_RECENT = 8_192
_HOUSEKEEPING_S = 1.0
_COUNTED = ("events", "findings", "alerts", "blocks", "prevented", "excepted", "undelivered")


class Outbox(Protocol):
    """Where alerts go."""

    def put(self, alert: Alert) -> int:
        """Take an alert for every sink; gives how many sinks had no room for it."""


class Sensor:
    """One sensor; `enforce` lets it block, which a verdict must ask for and a pack must have measured."""

    def __init__(
        self,
        feed: Feed,
        packs: Packs,
        audit: AuditLog,
        outbox: Outbox,
        *,
        enforce: bool = False,
        exceptions: Exceptions | None = None,
        incidents: Incidents | None = None,
        tampering: Tampering | None = None,
    ) -> None:
        self.feed, self.packs, self.audit, self.outbox = feed, packs, audit, outbox
        self.enforce = enforce
        self._exceptions = exceptions or Exceptions()
        self._incidents = incidents or Incidents()
        self._tampering = tampering
        self.tree = Tree()
        self._recent: OrderedDict[str, Event] = OrderedDict()
        self._kept = 0.0
        self._directories: dict[str, str] = {}
        self._host = platform.node()
        self.latency = Latency()
        self.prevented: deque[dict[str, object]] = deque()
        self._denied: OrderedDict[tuple[str, int], None] = OrderedDict()
        self._ended: OrderedDict[str, None] = OrderedDict()
        self.counts = dict.fromkeys(_COUNTED, 0)

    def pump(self, timeout: float, heed: Callable[[Event], None] | None = None) -> None:
        """Take what came, waiting up to `timeout` seconds; `heed` sees each event before it is scored."""
        self.take(self.feed.poll(timeout), heed)
        now = time.monotonic()
        if now - self._kept > _HOUSEKEEPING_S:
            self._kept = now
            self._keep_house()

    def take(self, events: list[dict[str, Value]], heed: Callable[[Event], None] | None = None) -> None:
        """Score events that are in order."""
        while self.prevented:
            self._write_prevented(self.prevented.popleft())
        for event in events:
            if heed is not None:
                heed(event)
            self.score(event)
            if "event.start" not in event:  # what is gathered over a while is told late on purpose
                self.latency.add(time.time_ns() - integer(event, "@timestamp"))

    def _write_prevented(self, told: dict[str, object]) -> None:
        """Write down what the gate denied; it comes here before the event of the open that failed."""
        self.counts["prevented"] += 1
        self._denied[str(told["path"]), int(str(told["pid"]))] = None
        if len(self._denied) > _RECENT:
            self._denied.popitem(last=False)
        self.audit.append("prevented", {**told, "means": "fanotify: the open was denied, nothing was read"})

    def score(self, event: Event) -> None:
        """Score one event and act on what it completes."""
        scorer = self.packs.scorer
        own, matched = scorer.examine(event)
        findings = scorer.conclude(own, matched)
        self.counts["events"] += 1
        self.tree.follow(own)
        if self._ended:
            self._pursue(own)
        self._remember(own)
        for finding in findings:
            self._report(own, finding)
        session = str(own.get("gen_ai.conversation.id", ""))
        if self._tampering and (tampering := self._tampering.finding(own, session)):
            self._report(own, tampering)
        if session and (directory := own.get("process.working_directory")):
            self._directories.setdefault(session, str(directory))
        if own["event.action"] == "session_end":
            verdict = scorer.verdicts.session(session)
            self.audit.append("session_end", {"verdict": msgspec.to_builtins(verdict)}, session)
            self._directories.pop(session, None)
        elif own["event.action"] == "session_start":
            self.audit.append("session_start", {"event": own}, session)

    def _remember(self, event: Event) -> None:
        self._recent[str(event.get("event.id", ""))] = event
        if len(self._recent) > _RECENT:
            self._recent.popitem(last=False)

    def _report(self, event: Event, finding: Finding) -> None:
        self.counts["findings"] += 1
        names = dict.fromkeys([*finding.evidence, finding.event_id])
        evidence = [dict(self._recent[name]) for name in names if name in self._recent]
        about = event if finding.session == event.get("gen_ai.conversation.id", "") else {}
        verdict = self.packs.scorer.verdicts.update(about, [finding])
        alert = Alert(
            finding=finding, verdict=verdict, evidence=evidence, pack=self.packs.name, host=self._host
        )
        body = {"uid": alert.uid, "finding": finding, "verdict": verdict, "evidence": evidence}
        if lost := len(names) - len(evidence):
            body["evidence_not_kept"] = lost
        excepted = self._exceptions.covers(
            finding, self._directories.get(finding.session, ""), time.time_ns()
        )
        if excepted is not None:
            self.counts["excepted"] += 1
            self.audit.append("excepted", body | {"exception": excepted}, finding.session)
            return
        self.audit.append("finding", body, finding.session)
        if (str(event.get("file.path", "")), integer(event, "process.pid")) in self._denied:
            alert.action = "prevented"
        elif verdict.decision == "block":
            self._block(finding, evidence, alert)
        if verdict.decision != "audit":
            self._send(self._incidents.offer(alert, time.time_ns()))

    def _block(self, finding: Finding, evidence: list[dict[str, Value]], alert: Alert) -> None:
        if not self.enforce:
            alert.action = "would_block"
            self.audit.append(
                "would_block", {"uid": alert.uid, "because": "enforcement is off"}, finding.session
            )
            return
        alert.reason = blocked.reason(finding, evidence[-1] if evidence else {})
        alert.contained = contain(self.tree, finding.entity_id, alert.reason)
        alert.action = "contained"
        self._note_ended(alert.contained.entities)
        self.counts["blocks"] += 1
        told = blocked.account(finding, list(evidence), alert.contained)
        self.audit.append("block", {"uid": alert.uid, **told}, finding.session)
        self.audit.checkpoint()

    def _note_ended(self, entities: list[str]) -> None:
        self._ended |= dict.fromkeys(entities)
        while len(self._ended) > _RECENT:
            self._ended.popitem(last=False)

    def _pursue(self, event: Event) -> None:
        """End what an ended process had started in its last moment, as soon as an event tells of it."""
        forked = event["event.action"] == "fork"
        parent = str(event.get("process.entity_id" if forked else "process.parent.entity_id", ""))
        child = str(event.get("process.target.entity_id" if forked else "process.entity_id", ""))
        if parent not in self._ended or child in self._ended:
            return
        contained = contain(self.tree, child, "")
        self._note_ended([child, *contained.entities])
        if contained.killed:
            session = str(event.get("gen_ai.conversation.id", ""))
            self.audit.append("block_continued", {"killed": contained.killed}, session)

    def _send(self, alerts: list[Alert]) -> None:
        for alert in alerts:
            self.counts["alerts"] += 1
            if refused := self.outbox.put(alert):
                self.counts["undelivered"] += refused
                self.audit.append(
                    "gap",
                    {"uid": alert.uid, "because": f"{refused} sinks had no room"},
                    alert.finding.session,
                )

    def _keep_house(self) -> None:
        gc.collect(1)  # collection is off while events come in: they hold no cycles, other things may
        now = time.time_ns()
        self._send(self._incidents.due(now))
        for kind, body in [*self.packs.refresh(), *self._exceptions.refresh(now)]:
            self.audit.append(kind, body)
        self.audit.checkpoint_if_due()

    def close(self) -> None:
        """Close every open window and send what was held back."""
        for finding in self.packs.scorer.close():
            self._report({}, finding)
        self._send(self._incidents.flush())
