"""Alerts to send, packs to run, and receivers on loopback that really listen."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from workbench.pack import sign
from workbench.pack.build import encode_payload
from workbench.registry import load
from workbench.scorer import Finding
from workbench.scorer.verdict import Verdict
from workbench.sensor.alert import Alert

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def make_finding(number: int = 0, **changed: Any) -> Finding:
    told: dict[str, Any] = {
        "rule_id": "r1",
        "rule_title": "Key sent out",
        "level": "high",
        "signal": "pattern",
        "risk": 85,
        "response": "alert",
        "timestamp": 1_767_225_600_000_000_000 + number,
        "event_id": f"e{number}",
        "session": "s1",
        "tags": ["attack.t1041", "attack.t1552.001", "atlas.aml.t0086"],
    }
    return Finding(**told | changed)


def make_alert(number: int = 0, **changed: Any) -> Alert:
    verdict = Verdict(score=90.0, decision="alert")
    return Alert(finding=make_finding(number, **changed), verdict=verdict, host="h", incident="i1")


def write_pack(path: Path, version: str = "1", response: str = "block", **changed: Any) -> Path:
    """A pack that blocks files named canary and connections to 127.0.0.9, and alerts when `true` runs."""
    content = {
        "format": 1,
        "name": "test",
        "version": version,
        "minimum_scorer": 1,
        "plan": {
            "predicates": [
                ["file.name", "equals", "canary", False],
                ["process.name", "equals", "true", False],
                ["destination.ip", "equals", "127.0.0.9", False],
            ],
            "rules": [
                {
                    "id": "canary",
                    "title": "The canary is touched",
                    "risk": 100,
                    "response": response,
                    "kinds": ["file/create", "file/open"],
                    "condition": 0,
                },
                {"id": "true", "title": "true runs", "risk": 60, "kinds": ["process/exec"], "condition": 1},
                {
                    "id": "address",
                    "title": "A forbidden address",
                    "risk": 100,
                    "response": response,
                    "kinds": ["network/connect"],
                    "condition": 2,
                },
            ],
        },
        "registries": {"agents": load("agents")},
    }
    path.write_bytes(sign(encode_payload({**content, **changed}), KEY))
    return path


def settled(condition: Callable[[], object], seconds: float = 10.0) -> bool:
    """Wait until a condition holds, at most so many seconds; tells whether it does."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return False


class Receiver:
    """An HTTP server on loopback; `answer` gives each request's status, `taken` keeps what was accepted.

    `says` is told a body that was accepted, and gives what is answered.
    """

    def __init__(self, answer: Callable[[int], int], says: Callable[[bytes], bytes]) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.taken: list[bytes] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.requests.append((self.path, dict(self.headers), body))
                status = answer(len(outer.requests))
                if status < 300:
                    outer.taken.append(body)
                told = says(body) if status < 300 else b""
                self.send_response(status)
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receive() -> Iterator[Callable[..., Receiver]]:
    opened: list[Receiver] = []

    def make(
        answer: Callable[[int], int] = lambda number: 200, says: Callable[[bytes], bytes] = lambda body: b""
    ) -> Receiver:
        opened.append(Receiver(answer, says))
        return opened[-1]

    yield make
    for receiver in opened:
        receiver.close()


class Helpers:
    finding = staticmethod(make_finding)
    alert = staticmethod(make_alert)
    write_pack = staticmethod(write_pack)
    key = KEY


@pytest.fixture(scope="session")
def make() -> type[Helpers]:
    return Helpers
