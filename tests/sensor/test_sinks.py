"""Each sink delivers to a receiver that really listens, whatever the receiver does meanwhile."""

from __future__ import annotations

import hmac
import json
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2

from tests.sensor.conftest import settled
from workbench.errors import InputError
from workbench.sensor.sinks import SinkError, open_sink
from workbench.sensor.sinks.syslog import message
from workbench.sensor.sinks.syslog import open_url as open_syslog
from workbench.sensor.spool import Delivery, Queue


def test_a_webhook_that_fails_half_the_time_gets_each_alert_in_order(
    make: Any, receive: Any, tmp_path: Path
) -> None:
    receiver = receive(lambda number: 500 if number % 2 else 200)
    sink = open_sink(f"http://127.0.0.1:{receiver.port}/hook")
    queue = Queue(tmp_path)
    for number in range(10):
        assert queue.put(msgspec.json.encode(make.alert(number)))
    delivery = Delivery(sink, queue, pause=0.001)
    delivery.start()
    assert settled(lambda: len(queue) == 0)
    delivery.end(1)
    times = [json.loads(body)["evidences"][0]["data"]["event_id"] for body in receiver.taken]
    assert times == [f"e{number}" for number in range(10)]
    assert delivery.failures == 10


def test_a_webhook_is_signed_over_its_time_and_body(
    make: Any, receive: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_WEBHOOK_KEY", "canary-key")
    receiver = receive()
    open_sink(f"http://127.0.0.1:{receiver.port}/a?b=c&shape=slack").send([make.alert()])
    path, headers, body = receiver.requests[0]
    assert path == "/a?b=c"
    at, _, told = headers["X-Workbench-Signature"].removeprefix("t=").partition(",v1=")
    assert told == hmac.new(b"canary-key", f"{at}.".encode() + body, "sha256").hexdigest()
    assert abs(time.time() - int(at)) < 60


def test_chosen_text_is_no_markup_in_slack(make: Any, receive: Any) -> None:
    receiver = receive()
    alert = make.alert(rule_title="<!channel> *x*", reason="<https://evil.example|click>\x1b[31m")
    open_sink(f"http://127.0.0.1:{receiver.port}/?shape=slack").send([alert])
    told = json.loads(receiver.taken[0])
    assert "<!channel>" not in told["text"]
    assert {block["text"]["type"] for block in told["blocks"] if "text" in block} == {"plain_text"}
    assert "\x1b" not in receiver.taken[0].decode()


@pytest.mark.parametrize("shape", ["slack", "pagerduty"])
def test_chosen_text_cannot_turn_the_direction_of_a_message(
    make: Any, receive: Any, monkeypatch: pytest.MonkeyPatch, shape: str
) -> None:
    monkeypatch.setenv("WORKBENCH_PAGERDUTY_KEY", "canary-routing-key")
    receiver = receive()
    marks = "\u200e\u200f\u061c\ufeff\u202e\u2066\x1b\x9b\u2028\n\u200b"
    open_sink(f"http://127.0.0.1:{receiver.port}/?shape={shape}").send(
        [make.alert(rule_title=f"a{marks}b", reason=f"c{marks}d")]
    )
    told = json.dumps(json.loads(receiver.taken[0]), ensure_ascii=False)
    assert not set(marks) & set(told)
    assert "\\u200f" in told


def test_an_address_may_hold_any_sign(make: Any, receive: Any) -> None:
    receiver = receive()
    open_sink(f"http://127.0.0.1:{receiver.port}/hück a%20b?c=d é&e").send([make.alert()])
    assert receiver.requests[0][0] == "/h%C3%BCck%20a%20b?c=d%20%C3%A9&e"


def test_alerts_of_one_incident_are_one_in_pagerduty(
    make: Any, receive: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_PAGERDUTY_KEY", "canary-routing-key")
    receiver = receive()
    open_sink(f"http://127.0.0.1:{receiver.port}/v2/enqueue?shape=pagerduty").send(
        [make.alert(1), make.alert(2)]
    )
    told = [json.loads(body) for body in receiver.taken]
    assert {each["dedup_key"] for each in told} == {"i1"}
    assert told[0]["routing_key"] == "canary-routing-key"
    assert told[0]["payload"]["severity"] == "error"


def test_what_a_receiver_will_never_take_does_not_hold_up_the_rest(
    make: Any, receive: Any, tmp_path: Path
) -> None:
    receiver = receive(lambda number: 422 if b'"e1"' in receiver.requests[-1][2] else 200)
    queue = Queue(tmp_path)
    for number in range(3):
        queue.put(msgspec.json.encode(make.alert(number)))
    delivery = Delivery(open_sink(f"http://127.0.0.1:{receiver.port}/"), queue, pause=0.001)
    delivery.start()
    assert settled(lambda: len(queue) == 0)
    delivery.end(1)
    assert len(receiver.taken) == 2
    assert (tmp_path / "refused.jsonl").read_bytes().count(b"\n") == 1


class LogsService:
    """What a collector does with a request, by OpenTelemetry's own definitions; some events it rejects."""

    def __init__(self, *rejects: str) -> None:
        self._rejects = rejects
        self.records: list[Any] = []

    def __call__(self, body: bytes) -> bytes:
        request = json_format.Parse(body, logs_service_pb2.ExportLogsServiceRequest())
        (told,) = request.resource_logs
        (scope,) = told.scope_logs
        taken = [
            r for r in scope.log_records if not any(f'"{e}"' in r.body.string_value for e in self._rejects)
        ]
        self.records += taken
        response = logs_service_pb2.ExportLogsServiceResponse()
        response.partial_success.rejected_log_records = len(scope.log_records) - len(taken)
        return str(json_format.MessageToJson(response)).encode()

    def _rejected(self, body: str) -> bool:
        return any(f'"{event}"' in body for event in self._rejects)


def test_otlp_is_what_a_collector_reads(make: Any, receive: Any) -> None:
    service = LogsService()
    receiver = receive(says=service)
    open_sink(f"otlp://127.0.0.1:{receiver.port}").send([make.alert(1), make.alert(2)])
    path, headers, _ = receiver.requests[0]
    assert (path, headers["Content-Type"]) == ("/v1/logs", "application/json")
    assert [record.severity_text for record in service.records] == ["high", "high"]
    assert service.records[1].time_unix_nano == 1_767_225_600_000_000_002
    assert json.loads(service.records[0].body.string_value)["class_uid"] == 2004


def test_what_a_collector_rejects_though_it_answers_200_is_kept_aside(
    make: Any, receive: Any, tmp_path: Path
) -> None:
    service = LogsService("e1")
    queue = Queue(tmp_path)
    for number in range(3):
        queue.put(msgspec.json.encode(make.alert(number)))
    delivery = Delivery(open_sink(f"otlp://127.0.0.1:{receive(says=service).port}"), queue, pause=0.001)
    delivery.start()
    assert settled(lambda: len(queue) == 0)
    delivery.end(1)
    taken = [json.loads(record.body.string_value)["finding_info"]["uid"] for record in service.records]
    assert len(set(taken)) == 2
    assert delivery.refused == 1
    assert b'"e1"' in (tmp_path / "refused.jsonl").read_bytes()


def test_standard_output_can_be_words_on_lines_of_their_own(
    make: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    alert = make.alert(1, rule_title="A key\nis \x1b[31m sent", reason="read then send")
    alert.action, alert.repeated = "would_block", 2
    open_sink("stdout:text").send([alert])
    first, *rest = capfd.readouterr().out.splitlines()
    assert first.startswith("2026-01-01T00:00:00Z  alert  risk ")
    assert "\x1b" not in first
    assert rest == ["  read then send", "  would block", "  and 2 more like it"]


def test_a_syslog_header_holds_whatever_text_is_chosen(make: Any) -> None:
    alert = make.alert(session='a"]\n<1>', rule_id="\\")
    alert.host = "a b\nc"
    sent = message(alert)
    assert sent.startswith(b"<83>1 2026-01-01T00:00:00Z a?b?c workbench-sensor - finding [alert@32473 ")
    assert b'session="a\\"\\] <1>"' in sent
    assert b"\n" not in sent


def huge(make: Any, signs: int) -> Any:
    alert = make.alert(reason="é" * signs, steps=["s" * 100] * signs, session="s" * signs)
    alert.evidence = [{"event.id": "e0", "process.command_line": "\n" * signs}] * 3
    return alert


def test_a_datagram_has_room_for_every_alert_whole(make: Any) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        sink = open_syslog(f"syslog://127.0.0.1:{receiver.getsockname()[1]}")
        sink.send([huge(make, 50_000), make.alert()])
        sent = receiver.recv(65_536)
        told = json.loads(sent.partition(b"] ")[2])
        assert (told["class_uid"], told["unmapped"]["shortened"]) == (2004, True)
        assert told["message"].endswith("é…")
        assert len(sent) > 6_000
        assert "shortened" not in receiver.recv(65_536).decode()
        sink.close()


def test_a_syslog_stream_is_opened_again(make: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        sink = open_syslog(f"syslog://127.0.0.1:{server.getsockname()[1]}?tcp")

        def took() -> None:
            there, _ = server.accept()
            with there:
                count, _, text = there.recv(65536).partition(b" ")
                assert int(count) == len(text)

        sink.send([make.alert(1)])
        took()
        with pytest.raises(SinkError, match="closed"):
            sink.send([make.alert(2)])
        sink.send([make.alert(2)])
        took()
        sink.close()


@pytest.mark.skipif(shutil.which("rsyslogd") is None, reason="rsyslog is not installed")
@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_rsyslog_takes_what_is_sent(make: Any, tmp_path: Path, protocol: str) -> None:
    with socket.socket(type=socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    out, config = tmp_path / "out", tmp_path / "rsyslog.conf"
    config.write_text(
        f'module(load="im{protocol}")\ninput(type="im{protocol}" address="127.0.0.1" port="{port}")\n'
        'template(name="t" type="string"'
        ' string="%app-name%|%hostname%|%syslogseverity%|%structured-data%|%msg%\\n")\n'
        f'*.* action(type="omfile" file="{out}" template="t")\n'
    )
    server = subprocess.Popen(["rsyslogd", "-n", "-f", config, "-i", tmp_path / "pid"])
    try:
        sink = open_syslog(f"syslog://127.0.0.1:{port}{'?tcp' if protocol == 'tcp' else ''}")

        def sent() -> bool:
            try:
                sink.send([make.alert(1)])
            except SinkError:
                return False
            time.sleep(0.1)
            return out.exists() and out.read_text().count("\n") > 0

        assert settled(sent)
        sink.close()
    finally:
        server.terminate()
        server.wait()
    name, host, severity, data, text = out.read_text().splitlines()[0].split("|", 4)
    assert (name, host, severity) == ("workbench-sensor", "h", "3")
    assert 'session="s1"' in data
    assert json.loads(text)["class_uid"] == 2004


def test_an_unknown_sink_is_refused() -> None:
    bad = (
        "carrier-pigeon:x",
        "stdout:xml",
        "http://h/?shape=fax",
        "https://",
        "otlp:",
        "syslog:x",
        "syslog://h:x",
        "file:/a\0b",
        "file:/a\udcff",
        "https://a b/",
        "https://a..b/",
        f"otlp://{'a' * 300}",
    )
    for url in bad:
        with pytest.raises(InputError):
            open_sink(url)
