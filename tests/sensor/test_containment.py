"""What is ended when a verdict blocks, and what is said when the kernel does not let us."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator

import msgspec
import pytest

from workbench import procfs
from workbench.event import entity_id
from workbench.sensor.containment import Contained, alive, contain
from workbench.sensor.tree import Tree


@pytest.fixture
def offender() -> Iterator[tuple[Tree, subprocess.Popen[bytes], str]]:
    with subprocess.Popen(["sh", "-c", "sleep 60 & wait"]) as process:
        start = procfs.start(process.pid)
        assert start is not None
        entity = entity_id("boot", start * procfs.TICK_NS, process.pid)
        tree = Tree()
        event = {"event.category": "process", "event.action": "exec", "process.entity_id": entity}
        tree.follow({**event, "process.pid": process.pid, "process.name": "sh"})
        yield tree, process, entity
        for pid in (*procfs.children(process.pid), process.pid):
            subprocess.run(["kill", "-9", str(pid)], check=False, capture_output=True)


def test_all_of_it_is_ended_also_what_no_event_told_of(
    offender: tuple[Tree, subprocess.Popen[bytes], str],
) -> None:
    tree, process, entity = offender
    while not (young := procfs.children(process.pid)) or procfs.name(min(young)) != "sleep":
        time.sleep(0.01)
    (child,) = young
    done = contain(tree, entity, "")
    assert done.killed == [f"sh[{process.pid}]", f"sleep[{child}]"]
    assert process.wait() == -9
    assert done.refused == []


@pytest.mark.skipif(os.geteuid() != 0, reason="it takes root to meet a process of another user")
def test_what_the_kernel_does_not_let_us_end_is_told(
    offender: tuple[Tree, subprocess.Popen[bytes], str],
) -> None:
    tree, process, entity = offender
    reader, writer = os.pipe()
    if (unprivileged := os.fork()) == 0:
        os.setresuid(65_534, 65_534, 65_534)
        os.write(writer, msgspec.json.encode(contain(tree, entity, "")))
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as told:
        done = msgspec.json.decode(told.read(), type=Contained)
    os.waitpid(unprivileged, 0)
    assert f"sh[{process.pid}]" in done.refused
    assert done.killed == []
    assert all(alive(each) for each in tree.below(entity))
