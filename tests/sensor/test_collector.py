"""Alerts reach an OpenTelemetry collector: rotel, which speaks OTLP on loopback and prints what it takes."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import pytest

from workbench.sensor.sinks import open_sink
from workbench.sensor.spool import Delivery, Queue

ROTEL = find_spec("rotel")

pytestmark = pytest.mark.skipif(ROTEL is None, reason="rotel has no build for this machine")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def collector(port: int, log: Path) -> Iterator[None]:
    """Run a collector that takes OTLP over HTTP on a port and writes each record into `log`."""
    assert ROTEL is not None
    assert ROTEL.origin is not None
    command = [
        *(str(Path(ROTEL.origin).with_name("rotel-agent")), "start", "--exporter", "blackhole"),
        *("--otlp-http-endpoint", f"127.0.0.1:{port}", "--otlp-grpc-endpoint", f"127.0.0.1:{free_port()}"),
        *("--debug-log", "logs", "--debug-log-verbosity", "detailed"),
    ]
    with log.open("ab") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


def settled(condition: Callable[[], object], seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while not (done := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return bool(done)


def records(log: Path) -> list[str]:
    return re.split(r"LogRecord #\d+\n", log.read_text())[1:]


def test_a_collector_takes_what_waited_for_it_and_what_came_after_it_had_died(
    make: Any, tmp_path: Path
) -> None:
    port, log, queue = free_port(), tmp_path / "log", Queue(tmp_path / "queue")
    delivery = Delivery(open_sink(f"otlp://127.0.0.1:{port}"), queue, pause=0.01)

    def put(*numbers: int) -> None:
        for number in numbers:
            alert = make.alert(number)
            assert delivery.put(alert, msgspec.json.encode(alert))

    put(1, 2)
    delivery.start()
    assert settled(lambda: delivery.failures)
    with collector(port, log):
        assert settled(lambda: len(records(log)) == 2)
    failures = delivery.failures
    put(3)
    assert settled(lambda: delivery.failures > failures)
    with collector(port, log):
        assert settled(lambda: len(records(log)) == 3)
        assert delivery.end(5) == 0
    told = records(log)
    assert all("EventName: detection_finding" in record for record in told)
    assert all("SeverityText: high" in record and "SEVERITY_NUMBER_ERROR(17)" in record for record in told)
    bodies = [json.loads(line) for line in re.findall(r"Body: Str\((.*)\)", "".join(told))]
    assert [body["evidences"][0]["data"]["event_id"] for body in bodies] == ["e1", "e2", "e3"]
    assert {body["class_uid"] for body in bodies} == {2004}
