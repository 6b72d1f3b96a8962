"""The means in force, strongest first, found by trying, as `workbench doctor` does: each says what it covers.

What no means prevents is contained: the offending tree gets SIGKILL after the act.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Container
from contextlib import suppress
from pathlib import Path

import msgspec

from capture.source import ConnectFilter, connect_filter
from workbench.errors import CaptureError
from workbench.event import Event, integer
from workbench.scorer.payload import Payload
from workbench.scorer.plan import Rule
from workbench.sensor import blocked
from workbench.sensor.cgroup import Cgroup
from workbench.sensor.containment import MEANS, tell
from workbench.sensor.means.advance import finding_of
from workbench.sensor.means.connects import Connections
from workbench.sensor.means.landlock import Landlock
from workbench.sensor.means.opens import Denied, Gate, Judge, candidates, root_of

PLACES = (Path.home(), Path("/home"), Path("/etc"))
"""Where files are looked for that a blocking rule names."""


class Prevented(msgspec.Struct, kw_only=True):
    """An act that the kernel denied: `event` is what it would have been, `means` says how."""

    rule: Rule
    means: str
    event: Event
    pid: int
    reason_told: bool = False


class Means:
    """What prevents, for the agent in `cgroup` and the processes below `roots`; `told` is for the audit log.

    `excepted` is asked whether an exception covers a rule for a root process, or for any (0).
    """

    def __init__(
        self,
        payload: Payload,
        roots: Container[int],
        cgroup: Cgroup | None,
        excepted: Callable[[str, int], bool],
    ) -> None:
        self._payload, self._roots, self._excepted = payload, roots, excepted
        self.prevented: deque[Prevented] = deque()
        self.told: list[dict[str, object]] = []
        self._gate: Gate | None = None
        self._landlock: Landlock | None = None
        self._filter: ConnectFilter | None = None
        self._connections = self._compiled()
        self._holding: dict[int, int] = {}
        self._hold_opens(Judge(payload))
        self._filter_connections(cgroup)
        self.told.append({"means": MEANS, "covers": "every other block, after the act"})

    def _hold_opens(self, judge: Judge) -> None:
        try:
            gate = Gate(judge, self._descends, self._deny_open)
        except CaptureError as error:
            self.told.append({"means": "fanotify", "works": False, "because": str(error)})
            self._confine()
            return
        gate.judge_by(judge, [directory for directory, _ in candidates(judge, PLACES)] if judge else [])
        self.told.append({"means": "fanotify: the open is denied", "works": True, "directories": gate.held})
        gate.start()
        self._gate = gate

    def _confine(self) -> None:
        """Take Landlock for what it can be told: secrets that a rule names by path alone."""
        judge = Judge(self._payload, programs=False)
        found = (
            [directory / name for directory, names in candidates(judge, PLACES) for name in names]
            if judge
            else []
        )
        secrets = [
            path for path in found if (rule := judge.rule(str(path))) and not self._excepted(rule.id, 0)
        ]
        if not secrets:
            return
        try:
            self._landlock = Landlock(secrets)
        except CaptureError as error:
            self.told.append({"means": "Landlock", "works": False, "because": str(error)})
        else:
            self.told.append(
                {
                    "means": "Landlock: reading is denied, also of files made later beside the way to one",
                    "works": True,
                    "paths": sorted(str(path) for path in self._landlock.secrets),
                }
            )

    def _filter_connections(self, cgroup: Cgroup | None) -> None:
        if cgroup is None:
            because = "an agent that runs already is not moved into a cgroup"
            self.told.append({"means": "cgroup/connect", "works": False, "because": because})
            return
        try:
            self._filter = connect_filter(cgroup.path)
        except CaptureError as error:
            self.told.append({"means": "cgroup/connect", "works": False, "because": str(error)})
            return
        places = self._connections.places()
        self._filter.deny(places)
        self.told.append(
            {"means": "cgroup/connect: the connection is denied", "works": True, "places": len(places)}
        )

    def _compiled(self) -> Connections:
        """Compile what no exception covers: the kernel cannot be told of an exception's scope."""
        return Connections(self._payload, lambda rule: self._excepted(rule, 0))

    def prepare(self) -> Callable[[], None] | None:
        """Give what the agent's process must do just before its exec."""
        return self._landlock.confine if self._landlock else None

    def renew(self, payload: Payload) -> None:
        """Go on with the rules of a new pack, or other exceptions; what Landlock denies stays."""
        self._payload = payload
        self._connections = self._compiled()
        if self._gate:
            judge = Judge(payload)
            self._gate.judge_by(
                judge, [directory for directory, _ in candidates(judge, PLACES)] if judge else []
            )
        if self._filter:
            self._filter.deny(self._connections.places())

    def follow(self, event: Event) -> None:
        """Learn from an enriched event which labels a process holds, and what a name's addresses are."""
        if self._filter is None or not self._connections:
            return
        pid, action = integer(event, "process.pid"), event["event.action"]
        if action == "exit":
            if self._holding.pop(pid, 0):
                self._filter.hold(pid, 0)
        elif action == "fork" and (held := self._holding.get(pid, 0)):
            self._hold(integer(event, "process.target.pid"), held)
        elif action == "dns":
            self._filter.deny_also(self._connections.resolved(event))
        elif labels := self._connections.held(event):
            self._hold(pid, labels)

    def _hold(self, pid: int, labels: int) -> None:
        before = self._holding.get(pid, 0)
        if self._filter and before | labels != before and len(self._holding) < 60_000:
            self._holding[pid] = before | labels
            self._filter.hold(pid, before | labels)

    def collect(self) -> list[Prevented]:
        """Give, once, what was denied."""
        found = [self.prevented.popleft() for _ in range(len(self.prevented))]
        for denial in self._filter.denials() if self._filter else ():
            labels = self._connections.names(self._holding.get(denial.pid, 0))
            kind = self._connections.kind("", denial.address, denial.port)
            rule = self._connections.rule(denial.address, denial.port, kind, labels)
            if rule is not None:
                found.append(_connection(rule, denial.pid, denial.address, denial.port, kind))
        return found

    def faults(self) -> list[tuple[str, int]]:
        """Give, once, what the means let through that no rule had allowed, and how often."""
        return self._gate.faults() if self._gate else []

    def _descends(self, pid: int) -> bool:
        return root_of(pid, self._roots) != 0

    def _deny_open(self, denied: Denied) -> bool:
        if self._excepted(denied.rule.id, root_of(denied.pid, self._roots)):
            return False
        event: Event = {
            "event.category": "file",
            "event.action": "open",
            "event.outcome": "failure",
            "file.path": denied.path,
            "process.pid": denied.pid,
            "process.executable": denied.executable,
        }
        done = Prevented(
            rule=denied.rule,
            means="fanotify: the open was denied, nothing was read",
            event=event,
            pid=denied.pid,
        )
        done.reason_told = _tell(done)
        self.prevented.append(done)
        return True

    def end(self) -> None:
        """Let everything through again, but what Landlock holds."""
        if self._gate:
            self._gate.end()
        if self._filter:
            self._filter.close()
        if self._landlock:
            self._landlock.close()


def _connection(rule: Rule, pid: int, address: str, port: int, kind: str) -> Prevented:
    event: Event = {
        "event.category": "network",
        "event.action": "connect",
        "event.outcome": "failure",
        "destination.ip": address,
        "destination.port": port,
        "process.pid": pid,
        **({"destination.class": kind} if kind else {}),
    }
    done = Prevented(
        rule=rule, means="cgroup/connect: the connection was denied, nothing was sent", event=event, pid=pid
    )
    done.reason_told = _tell(done)
    return done


def _tell(done: Prevented) -> bool:
    """Tell the process, where its standard error can be written to, why it was denied."""
    finding = finding_of(done.rule, timestamp=0, event_id="")
    with suppress(OSError):
        handle = os.pidfd_open(done.pid)
        try:
            return tell(handle, blocked.reason(finding, done.event, "denied"))
        finally:
            os.close(handle)
    return False
