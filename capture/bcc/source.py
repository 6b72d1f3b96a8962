"""The kernel source: everything a process tree does, through eBPF loaded by bcc."""

from __future__ import annotations

import platform
from collections import defaultdict
from itertools import takewhile

from capture import environment
from capture.bcc.clock import Clock
from capture.bcc.decode import Decoder
from capture.bcc.processes import Processes
from capture.bcc.program import Program
from capture.bcc.records import Record
from capture.bcc.ring import Ring
from workbench.dataset.session import Loss
from workbench.errors import CaptureError
from workbench.event import Value, order

_PAGE = 4096


class BccSource:
    """Traces a process tree with eBPF; raises CaptureError when the kernel does not let it.

    `ring_mb` is the size of the buffer between kernel and reader (a power of two), `interval` the seconds after
    which the bytes moved on a descriptor are told anew.
    """

    name = "bcc"
    cannot_see = (
        "file and network operations through io_uring (counted)",
        "32-bit system calls (counted)",
        "writes through a mapping, but for the mapping itself",
        "plaintext inside TLS",
    )

    def __init__(self, *, ring_mb: float = 16, interval: float = 0.1, wake_us: int = 200) -> None:
        self._pages = max(1, int(ring_mb * 1024 * 1024 / _PAGE))
        self._program = Program(
            ring_pages=self._pages, interval_ns=int(interval * 1e9), wake_ns=wake_us * 1000
        )
        self._program.allow_environment(environment.names())
        self._ring = Ring(self._program.ring_fd, self._pages)
        clock = Clock.now()
        host: dict[str, Value] = {
            "event.provider": self.name,
            "host.id": clock.boot,
            "host.name": platform.node(),
            "host.os.type": "linux",
        }
        self._processes = Processes(clock, host)
        self._decoder = Decoder(clock, self._processes)
        self._expected: defaultdict[int, int] = defaultdict(int)
        self._lost = self.received = self._untold = self._reordered = self._latest = 0
        self._loss: Loss | None = None

    @staticmethod
    def check() -> None:
        """Raise CaptureError when this source cannot run here, found by loading it."""
        if platform.machine() != "x86_64":
            raise CaptureError("the programs are written for x86-64", mend="use --source strace")
        Program(ring_pages=1, interval_ns=1, wake_ns=1).close()

    @property
    def sent(self) -> int:
        """How many records the kernel made, lost ones included."""
        return self._program.counters()["sent"]

    def start(self, root: int) -> None:
        """Trace process `root`, from its exec on, and all that descend from it."""
        self._program.trace(root, root, from_exec=True)

    def poll(self, timeout: float) -> list[dict[str, Value]]:
        """Give the events since the last call in order of time."""
        self._ring.wait(timeout)
        events: list[dict[str, Value]] = []
        for raw in self._ring.read():
            record = Record(raw)
            expected = self._expected[record.cpu]
            self._lost += record.sequence - expected
            self._expected[record.cpu] = record.sequence + 1
            self.received += 1
            event = self._decoder.decode(record)
            if event is None:
                self._untold += 1
                continue
            sequence = self.received + self._lost
            event["event.sequence"] = sequence
            event["event.id"] = f"k{sequence}"
            events.append(event)
        return self._in_order(events)

    def _detail(self, counters: dict[str, int]) -> dict[str, int]:
        counts = {
            **{f"cut_{name}": n for name, n in self._decoder.truncated.items()},
            "ring_full": counters["dropped"],
            "gaps_seen": self._lost,
            "unread": counters["sent"] - counters["dropped"] - self.received,
            "not_dns_or_http_after_all": self._untold,
        }
        return {name: n for name, n in counts.items() if n}

    def _in_order(self, events: list[dict[str, Value]]) -> list[dict[str, Value]]:
        if events:
            events.sort(key=order)
            late = takewhile(lambda event: order(event)[0] < self._latest, events)
            self._reordered += sum(1 for _ in late)
            self._latest = max(self._latest, order(events[-1])[0])
        return events

    def stop(self) -> Loss:
        """Detach; what was in the buffer must have been polled before."""
        if self._loss is None:
            counters = self._program.counters()
            self._loss = Loss(
                dropped=counters["dropped"],
                truncated=sum(self._decoder.truncated.values()),
                reordered=self._reordered,
                not_visible={name: n for name in ("io_uring", "compat32") if (n := counters[name])},
                detail=self._detail(counters),
            )
            self._ring.close()
            self._program.close()
        return self._loss
