"""Bytes moved through a descriptor are told at once, then at intervals and at its end."""

from __future__ import annotations

import time

from capture.strace.flows import Flows
from workbench.event import Value

START = 1_767_225_600_000_000_000


def event(at: int = 0) -> dict[str, Value]:
    return {"@timestamp": START + at, "event.category": "file", "event.action": "read"}


def test_the_end_of_a_descriptor_or_process_tells_what_is_left_of_it_alone() -> None:
    flows = Flows()
    for pid, fd, outward in ((1, 3, False), (1, 3, True), (1, 4, False), (2, 3, False)):
        first = flows.add(pid, fd, (outward, "/a"), event(), 1)
        assert first is not None
        assert first["io.bytes"] == 1
        assert flows.add(pid, fd, (outward, "/a"), event(5), 10 * pid + fd) is None
    assert [told["io.bytes"] for told in flows.close(1, 3)] == [13, 13]
    assert flows.close(1, 3) == flows.close(1, 9) == flows.close(9) == []
    assert [told["io.bytes"] for told in flows.close(1)] == [14]
    assert [told["io.bytes"] for told in flows.settle()] == [23]


def test_closing_one_descriptor_costs_the_same_however_many_are_open() -> None:
    flows = Flows()
    for fd in range(10_000):
        flows.add(1, fd, (True, "/a"), event(), 1)
    began = time.process_time()
    for fd in range(10_000):
        flows.close(1, fd)
    assert time.process_time() - began < 1
