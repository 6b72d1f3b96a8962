"""The kernel source: everything a process tree does, through eBPF loaded by bcc."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections import defaultdict
from functools import partial
from itertools import takewhile
from operator import itemgetter
from pathlib import Path

from capture import environment, snapshot
from capture.bcc.decode import Decoder
from capture.bcc.openssl import libraries
from capture.bcc.precedence import Precedence
from capture.bcc.program import Program
from capture.bcc.records import when
from capture.bcc.ring import Ring
from capture.child import Child
from capture.clock import Clock
from capture.redact import Redactor
from workbench.dataset.session import Loss
from workbench.errors import CaptureError
from workbench.event import Value

_PAGE = 4096
_SWEEP_NS = 1_000_000_000
_UNDER_WAY = 0.002  # seconds for programs that were running when the tracing ended
_REHEARSALS = 3
_SHELL = ("/bin/sh", "-c", "cat /dev/null; ls /usr")
_PATIENCE = 1.0  # seconds for each
_NOT_VISIBLE = ("io_uring", "compat32", "tree_full", "flows_full")
_FIRST_PID_NAMESPACE = 0xEFFFFFFC
_TIME = itemgetter("@timestamp")


class BccSource:
    """Traces a process tree with eBPF; raises CaptureError when the kernel does not let it.

    `ring_mb` is the size of the buffer between kernel and reader (a power of two), `interval` the seconds
    after which the bytes moved on a descriptor are told anew.
    `tls_plaintext` tells HTTP requests and mail envelopes sent through OpenSSL, `bodies` keeps the beginning
    of requests' bodies.
    """

    name = "bcc"
    redacts = True
    cannot_see: tuple[str, ...] = (
        "file and network operations through io_uring (counted)",
        "32-bit system calls (counted)",
        "writes through a mapping, but for the mapping itself (counted)",
        "plaintext inside TLS",
    )
    _cannot_see_in_tls = (
        "plaintext inside TLS but HTTP/1 and SMTP through OpenSSL 3 (not rustls, Go, BoringSSL, HTTP/2)"
    )

    def __init__(
        self,
        *,
        ring_mb: float = 8,
        interval: float = 0.1,
        tls_plaintext: bool = False,
        bodies: bool = False,
    ) -> None:
        _check_machine()
        self._pages = max(1, int(ring_mb * 1024 * 1024 / _PAGE))
        files = libraries() if tls_plaintext else []
        if tls_plaintext:
            if not files:
                raise CaptureError(
                    "no OpenSSL 3 was found to look into", mend="record without --tls-plaintext"
                )
            self.cannot_see = (*self.cannot_see[:-1], self._cannot_see_in_tls)
        self._program = Program(
            ring_pages=self._pages,
            interval_ns=int(interval * 1e9),
            tls_files=files,
        )
        self._program.allow_environment(environment.names())
        self._ring = Ring(self._program.ring_fd, self._pages)
        clock = Clock.now()
        self._boot = clock.boot
        host: dict[str, Value] = {
            "event.provider": self.name,
            "host.id": clock.boot,
            "host.name": platform.node(),
            "host.os.type": "linux",
        }
        redactor = Redactor()
        self._redact = redactor.event
        self._new_decoder = partial(Decoder, clock, host, redactor, bodies=bodies)
        self._precedence = Precedence()
        self._loss: Loss | None = None
        self._begin()

    def _begin(self) -> None:
        """Have seen nothing yet."""
        self._decoder = self._new_decoder()
        self._expected: defaultdict[int, int] = defaultdict(int)
        self._lost = self.received = self._untold = self._reordered = self._latest = 0
        self._sent = self._taken = 0
        self._swept = time.monotonic_ns()

    @staticmethod
    def check() -> None:
        """Raise CaptureError when this source cannot run here, found by loading it."""
        _check_machine()
        Program(ring_pages=1, interval_ns=1).close()

    @property
    def sent(self) -> int:
        """How many records the kernel made, lost ones included."""
        if self._loss is None:
            self._sent = self._program.counters()["sent"] + self._taken - self._untold
        return self._sent

    @property
    def lost(self) -> int:
        """How many records found no room in the ring."""
        return self._program.counters()["dropped"] if self._loss is None else self._loss.dropped

    def rehearse(self) -> list[dict[str, Value]]:
        """Trace a shell of our own and begin anew, uncounted; gives what it did.

        What is built on first use, here and by who scores these events, is then there: the first events of an
        agent come a hundred at once.
        """
        events: list[dict[str, Value]] = []
        for _ in range(_REHEARSALS):
            quiet = subprocess.DEVNULL
            child = Child(_SHELL, env={"PATH": os.defpath}, stdout=quiet, stderr=quiet)
            self.start(child.pid)
            child.release()
            until = time.monotonic() + _PATIENCE
            while child.poll() is None or self._ring.filled:
                events += self.poll(_UNDER_WAY)
                if time.monotonic() > until:
                    child.end()
        self._precedence.give_back()  # what is started next would inherit it
        self._program.clear_counters()
        self._begin()
        return events

    def start(self, root: int) -> None:
        """Trace process `root`, from its exec on, and all that descend from it."""
        self._program.trace(root, root, from_exec=True)
        self._precedence.take()

    def attach(self, pid: int) -> list[dict[str, Value]]:
        """Trace a process that runs, and its descendants; gives what they are and hold.

        The tracing begins first, so that nothing falls between: what happens meanwhile is told twice.
        """
        self._precedence.take()
        tree: list[int] = []
        while new := [each for each in snapshot.descendants(pid) if each not in tree]:
            for each in new:
                self._program.trace(each, pid, from_exec=False)
            tree += new
        events = [event for each in tree for event in snapshot.describe(each, self._boot)]
        for event in events:
            self._taken += 1
            self._number(self._redact(event))
        return events

    def traces(self, pid: int) -> bool:
        """Whether a process is in the kernel's table of what is traced, from which root can remove it."""
        return self._program.traces(pid)

    def poll(self, timeout: float) -> list[dict[str, Value]]:
        """Give the events since the last call in order of time."""
        self._ring.wait(timeout)
        raws = self._ring.read()
        if not raws:
            return self._sweep()
        events: list[dict[str, Value]] = []
        for raw in raws:
            at, number, thread, cpu = when(raw)
            self._lost += number - self._expected[cpu]
            self._expected[cpu] = number + 1
            self.received += 1
            event = self._decoder.decode(raw, at, thread)
            if event is None:
                self._untold += 1
                continue
            events.append(self._number(event))
        return self._in_order(events)

    def _number(self, event: dict[str, Value]) -> dict[str, Value]:
        sequence = self.received + self._taken + self._lost
        event["event.sequence"] = sequence
        event["event.id"] = f"k{sequence}"
        return event

    def _sweep(self) -> list[dict[str, Value]]:
        """Tell, now and then, what was moved on descriptors that have since been left alone."""
        now = time.monotonic_ns()
        if now - self._swept < _SWEEP_NS:
            return []
        self._swept = now
        return self._in_order(self._left(now - _SWEEP_NS))

    def _left(self, before: int) -> list[dict[str, Value]]:
        events: list[dict[str, Value]] = []
        for pid, slot, flow in self._program.take_flows(before):
            event = self._decoder.flow(pid, slot, flow)
            if event is not None:
                self._taken += 1
                events.append(self._number(event))
        return events

    def settle(self) -> list[dict[str, Value]]:
        """End the tracing; give what is still in the buffer, and what was gathered and not yet told."""
        self._program.detach()
        time.sleep(_UNDER_WAY)
        events: list[dict[str, Value]] = []
        while self._ring.filled:
            events += self.poll(0)
        return events + self._in_order(self._left(time.monotonic_ns()))

    def _not_visible(self, counters: dict[str, int]) -> dict[str, int]:
        seen = {name: counters[name] for name in _NOT_VISIBLE}
        counts = {**seen, **self._decoder.not_visible()}
        return {name: n for name, n in counts.items() if n}

    def _detail(self, counters: dict[str, int]) -> dict[str, int]:
        counts = {
            **{f"cut_{name}": n for name, n in self._decoder.truncated.items()},
            "ring_full": counters["dropped"],
            "gaps_seen": self._lost,
            "unread": counters["sent"] - counters["dropped"] - self.received,
            "not_what_it_looked_like": self._untold,
        }
        return {name: n for name, n in counts.items() if n}

    def _in_order(self, events: list[dict[str, Value]]) -> list[dict[str, Value]]:
        if events:
            events.sort(key=_TIME)  # they are in the order of their numbers, which the sort keeps
            self._reordered += sum(1 for _ in takewhile(lambda e: _TIME(e) < self._latest, events))
            self._latest = max(self._latest, _TIME(events[-1]))
        return events

    def stop(self) -> Loss:
        """Detach; what was in the buffer must have been polled before."""
        if self._loss is None:
            self._sent = self.sent
            counters = self._program.counters()
            self._loss = Loss(
                dropped=counters["dropped"],
                truncated=sum(self._decoder.truncated.values()),
                reordered=self._reordered,
                not_visible=self._not_visible(counters),
                detail=self._detail(counters),
            )
            self._ring.close()
            self._program.close()
            self._precedence.give_back()
        return self._loss


def _check_machine() -> None:
    if platform.machine() != "x86_64":
        raise CaptureError("the programs are written for x86-64", mend="use --source strace")
    if Path("/proc/self/ns/pid").stat().st_ino != _FIRST_PID_NAMESPACE:
        raise CaptureError(
            "process ids here are not the kernel's: we run in a PID namespace",
            mend="run outside the container, or with its host's (--pid=host), or use --source strace",
        )
