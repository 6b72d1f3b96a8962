"""What waits for a sink outlives its faults, a full disk and a restart, and stays within its room."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.sensor.conftest import settled
from workbench.sensor.sinks import open_sink
from workbench.sensor.spool import Delivery, Queue, Spool


class Faulty:
    """A sink with a fault of its own, until it is mended."""

    name, mended = "faulty", False

    def __init__(self) -> None:
        self.taken: list[Any] = []

    def send(self, alerts: list[Any]) -> None:
        if not self.mended:
            raise KeyError("https://hooks.example/T0/secret")
        self.taken += alerts


def test_a_fault_nobody_thought_of_ends_no_delivery_and_is_told(make: Any, tmp_path: Path) -> None:
    sink = Faulty()
    spool = Spool(tmp_path, [sink], pause=0.001)
    spool.start()
    assert spool.changes() == []
    spool.put(make.alert(1))
    told: list[Any] = []
    assert settled(lambda: told.extend(spool.changes()) or told)
    assert told == [("delivery_fails", {"sink": "faulty", "because": "KeyError"})]
    assert spool.changes() == []
    sink.mended = True
    assert settled(lambda: sink.taken)
    assert settled(lambda: told.extend(spool.changes()) or len(told) == 2)
    assert told[1] == ("delivery_fails", {"sink": "faulty", "over": True})
    assert spool.end() == {"faulty": 0}


def test_alerts_outlive_a_dead_sink_and_a_restart(make: Any, receive: Any, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        dead = free.getsockname()[1]
    first = Spool(tmp_path, [open_sink(f"http://127.0.0.1:{dead}/")])
    first.start()
    assert first.put(make.alert(1)) == 0
    (left,) = first.end(0.3).values()
    assert left > 0

    receiver = receive()
    sink = open_sink(f"http://127.0.0.1:{receiver.port}/")
    sink.name = open_sink(f"http://127.0.0.1:{dead}/").name
    second = Spool(tmp_path, [sink])
    second.start()
    second.put(make.alert(2))
    assert settled(lambda: len(receiver.taken) == 2)
    assert second.end() == {sink.name: 0}


def test_a_full_spool_says_so_and_keeps_what_it_has(make: Any, tmp_path: Path) -> None:
    line = msgspec.json.encode(make.alert())
    queue = Queue(tmp_path, most=3 * len(line))
    assert [queue.put(line) for _ in range(4)] == [True, True, False, False]
    assert len(queue.peek(9)[0]) == 2


def test_a_look_at_a_long_queue_reads_its_beginning_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = Queue(tmp_path)
    for number in range(20_000):
        queue.put(b"%01000d" % number)
    read: list[int] = []
    pread = os.pread

    def counting(*asked: int) -> bytes:
        data = pread(*asked)
        read.append(len(data))
        return data

    monkeypatch.setattr(os, "pread", counting)
    lines, end = queue.peek(64)
    assert [int(line) for line in lines] == list(range(64))
    assert end == 64 * 1001
    assert sum(read) < 1 << 20


def test_a_line_of_any_length_leaves_the_queue_whole(tmp_path: Path) -> None:
    queue = Queue(tmp_path)
    long = [b"a" * 300_000, b"b" * 1_500_000, b"c"]
    assert all(map(queue.put, long))
    taken = []
    while len(queue):
        lines, end = queue.peek(64)
        taken += lines
        queue.drop(end)
    assert taken == long
    assert queue.peek(64) == ([], 0)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 kB, and full: `full` is what fills it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk], check=False)
    if mounted.returncode:
        pytest.skip("nothing can be mounted here")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def test_a_full_disk_neither_ends_a_delivery_nor_loses_what_is_refused(
    make: Any, receive: Any, small_disk: Path
) -> None:
    queue = Queue(small_disk)
    for number in range(3):
        assert queue.put(msgspec.json.encode(make.alert(number)))
    with pytest.raises(OSError, match="No space"), (small_disk / "full").open("wb", buffering=0) as full:
        while True:
            full.write(bytes(512))
    receiver = receive(lambda number: 422 if b'"e2"' in receiver.requests[-1][2] else 200)
    delivery = Delivery(open_sink(f"http://127.0.0.1:{receiver.port}/"), queue, pause=0.001)
    delivery.start()
    assert settled(lambda: len(set(receiver.taken)) == 2 and delivery.failures > 3)
    assert len(queue)
    (small_disk / "full").unlink()
    assert settled(lambda: len(queue) == 0)
    delivery.end(1)
    assert (small_disk / "refused.jsonl").read_bytes().count(b"\n") == 1
    assert len(Queue(small_disk)) == 0


def test_a_line_that_a_crash_cut_is_left_out_and_what_follows_is_sent(
    make: Any, receive: Any, tmp_path: Path
) -> None:
    line = msgspec.json.encode(make.alert(1))
    (tmp_path / "queue.jsonl").write_bytes(line + b"\n" + line[:50])
    receiver = receive()
    queue = Queue(tmp_path)
    queue.put(msgspec.json.encode(make.alert(2)))
    delivery = Delivery(open_sink(f"http://127.0.0.1:{receiver.port}/"), queue)
    delivery.start()
    assert settled(lambda: len(receiver.taken) == 2)
    delivery.end(1)
    assert delivery.unreadable == 1


def test_a_full_spool_pushes_back_and_every_alert_is_accounted_for(
    make: Any, receive: Any, tmp_path: Path
) -> None:
    size = len(msgspec.json.encode(make.alert()))
    receiver = receive(lambda number: 200)
    spool = Spool(tmp_path, [open_sink(f"http://127.0.0.1:{receiver.port}/")], most=4 * size)
    assert sum(spool.put(make.alert(number, rule_id=f"r{number % 2}")) for number in range(20)) == 0
    (held,) = spool.keep_house().values()
    assert held == 2
    spool.start()
    assert settled(lambda: not spool.keep_house())
    spool.end()
    assert sum(json.loads(body)["count"] for body in receiver.taken) == 20


def test_what_was_held_back_outlives_a_restart(make: Any, receive: Any, tmp_path: Path) -> None:
    size = len(msgspec.json.encode(make.alert()))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        dead = open_sink(f"http://127.0.0.1:{free.getsockname()[1]}/")
    first = Spool(tmp_path, [dead], most=2 * size)
    first.start()
    for number in range(10):
        first.put(make.alert(number))
    first.end(0.3)
    receiver = receive()
    sink = open_sink(f"http://127.0.0.1:{receiver.port}/")
    sink.name = dead.name
    second = Spool(tmp_path, [sink])
    second.start()
    assert settled(lambda: sum(json.loads(body)["count"] for body in receiver.taken) == 10)
    second.end()
