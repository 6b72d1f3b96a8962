"""The sensor's loop: takes events, has them scored, and hands what was found to the responder."""

from __future__ import annotations

import gc
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence

import msgspec

from workbench.errors import EventError
from workbench.event import Event, Value, integer
from workbench.scorer import Finding
from workbench.sensor.audit import AuditLog
from workbench.sensor.exceptions import Exceptions
from workbench.sensor.feed import Feed, HookLog
from workbench.sensor.health import Health
from workbench.sensor.incidents import Incidents
from workbench.sensor.latency import Latency
from workbench.sensor.means.chosen import Means
from workbench.sensor.packs import Packs
from workbench.sensor.rehearsal import own_start
from workbench.sensor.respond import Outbox, Responder
from workbench.sensor.tampering import Tampering
from workbench.sensor.tree import Tree

_RECENT = 8_192
_HOUSEKEEPING_S = 1.0


class Sensor:
    """One sensor; `enforce` lets it block, `means` prevent what they can."""

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
        health: Health | None = None,
    ) -> None:
        self.feed, self.packs, self.audit = feed, packs, audit
        self.tree = Tree()
        self.responder = Responder(
            audit, outbox, self.tree, enforce=enforce, exceptions=exceptions, incidents=incidents
        )
        self.means: Means | None = None
        self.health = health or Health()
        self.latency = Latency()
        self._tampering = tampering
        self._recent: OrderedDict[str, Event] = OrderedDict()
        self._kept = time.monotonic()
        self.events = 0
        self.unscored: Counter[str] = Counter()

    @property
    def counts(self) -> dict[str, int]:
        """What was seen and done."""
        return {"events": self.events, **self.responder.counts, "unscored": self.unscored.total()}

    def rehearse(self, command: Sequence[str] = ()) -> None:
        """Score what is like the start of an agent, without a trace, so that none is the first."""
        scorer = self.packs.scorer.anew()
        for event in [*own_start(command), *self.feed.source.rehearse()]:
            scorer.score(self.feed.redact(event))

    def hear(self, hooks: HookLog) -> None:
        """Take a harness's hooks for its word, and guard their file."""
        self.feed.hooks = hooks
        if self._tampering:
            self._tampering.hooks = str(hooks.path.absolute())

    def pump(self, timeout: float, heed: Callable[[Event], None] | None = None) -> None:
        """Take what came, waiting up to `timeout` seconds; `heed` sees each event before it is scored."""
        events = self.feed.poll(timeout)
        self.take(events, heed)
        now = time.monotonic()
        # In a burst it waits, so that no verdict waits for it; but not for long.
        if now - self._kept > (2 * _HOUSEKEEPING_S if events else _HOUSEKEEPING_S):
            self._kept = now
            self._keep_house()

    def take(self, events: list[dict[str, Value]], heed: Callable[[Event], None] | None = None) -> None:
        """Score events that are in order."""
        for event in events:
            if heed is not None:
                heed(event)
            self.score(event)
            if "event.start" not in event:  # what is gathered over a while is told late on purpose
                self.latency.add(self.health.now() - integer(event, "@timestamp"))

    def score(self, event: Event) -> None:
        """Score one event and act on what it completes; one that is malformed is counted, and told."""
        scorer = self.packs.scorer
        try:
            own, matched = scorer.examine(event)
            findings = scorer.conclude(own, matched)
        except EventError as error:
            self.unscored[str(error)[:200]] += 1
            return
        self.events += 1
        self.tree.follow(own)
        if self.means:
            self.means.follow(own)
            if own.get("event.outcome") == "failure":
                self._collect()
        self.responder.pursue(own)
        if matched:
            self._remember(own)
        session = str(own.get("gen_ai.conversation.id", ""))
        if session and (directory := own.get("process.working_directory")):
            self.responder.works_in(session, str(directory))
        for finding in findings:
            self.report(finding, own)
        if self._tampering and (tampering := self._tampering.finding(own, session)):
            self._remember(own)
            self.report(tampering, own)
        if own["event.action"] == "session_end":
            verdict = scorer.verdicts.session(session)
            self.audit.append("session_end", {"verdict": msgspec.to_builtins(verdict)}, session)
            self.responder.forget(session)
        elif own["event.action"] == "session_start":
            self.audit.append("session_start", {"event": own}, session)

    def _remember(self, event: Event) -> None:
        """Keep what may become evidence: an event that matches no rule never does."""
        self._recent[str(event.get("event.id", ""))] = event
        if len(self._recent) > _RECENT:
            self._recent.popitem(last=False)

    def report(self, finding: Finding, event: Event) -> None:
        """Fuse a finding into a verdict and have it answered; `event` completed it, {} when none did."""
        names = dict.fromkeys([*finding.evidence, finding.event_id])
        evidence = [dict(self._recent[name]) for name in names if name and name in self._recent]
        about = event if finding.session == event.get("gen_ai.conversation.id", "") else {}
        verdict = self.packs.scorer.verdicts.update(about, [finding])
        self.responder.report(finding, verdict, evidence, self.packs.name, event)

    def _collect(self) -> None:
        """Write down what the means denied."""
        for done in self.means.collect() if self.means else ():
            process = self.tree.by_pid(done.pid)
            session, entity = (process.session, process.entity) if process else ("", "")
            self.responder.prevented(done, session, entity, self.packs.name)

    def _keep_house(self) -> None:
        gc.collect(1)  # collection is off while events come in: they hold no cycles, other things may
        self._collect()
        records = self.packs.refresh()
        for kind, body in [*records, *self.health.check(self.feed, self.tree)]:
            self.audit.append(kind, body)
        for because, count in self.means.faults() if self.means else ():
            self.audit.append("gap", {"opens_not_judged": count, "because": because})
        for what in self.health.attacks():
            self.report(what, {})
        if any(kind == "pack_loaded" for kind, _ in records):
            self._renew()
        self.responder.keep_house(time.time_ns(), self._renew)
        self._tell_unscored()
        self.audit.checkpoint_if_due()

    def _renew(self) -> None:
        if self.means:
            self.means.renew(self.packs.scorer.payload)

    def _tell_unscored(self) -> None:
        for because, count in self.unscored.items():
            self.audit.append("gap", {"events_not_scored": count, "because": because})
        self.unscored.clear()

    def close(self) -> None:
        """Close every open window and send what was held back."""
        for finding in self.packs.scorer.close():
            self.report(finding, {})
        self._collect()
        self._tell_unscored()
        self.responder.close()
