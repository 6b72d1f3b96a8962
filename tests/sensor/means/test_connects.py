"""Connections denied in advance: what the rules compile to, and that the kernel holds to it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from capture.source import connect_filter
from workbench.scorer import open_pack
from workbench.scorer.payload import decode_payload
from workbench.sensor.cgroup import Cgroup
from workbench.sensor.means.connects import ALWAYS, Connections, Network

REGISTRY = {
    "classes": [
        {"name": "drop", "cidrs": ["198.51.100.0/24", "127.7.0.0/16"], "domains": ["drop.example"]},
        {"name": "mail", "ports": [25]},
        {"name": "inside", "cidrs": ["127.0.0.0/8", "198.51.0.0/16"]},
    ],
    "default": "external",
    "single_label": "internal",
}
CLASS = ["destination.class", "equals", "drop", False]
MAIL = ["destination.class", "equals", "mail", False]
SECRET = ["provenance.labels", "equals", "secret", False]
BLOCK = ["destination.ip", "cidr", "203.0.113.0/24", False]
ACTOR = ["attribution.actor", "equals", "agent", False]


def compiled(make: Any, path: Path, condition: Any, *predicates: list[Any], **rule: Any) -> Connections:
    told = {"id": "r", "title": "r", "response": "block", "risk": 95, "kinds": ["network/connect"]}
    plan = {"predicates": list(predicates), "rules": [told | {"condition": condition} | rule]}
    file = make.write_pack(path, plan=plan, registries={"destinations": REGISTRY})
    return Connections(decode_payload(open_pack(file, [make.key.public_key()])))


def network(text: str) -> Network:
    return ip_network(text)


def test_a_class_becomes_its_blocks_with_the_wider_ones_let_through(make: Any, tmp_path: Path) -> None:
    places = compiled(make, tmp_path / "p", 0, CLASS).places()
    assert places[network("198.51.100.0/24"), 0] == ALWAYS
    assert places[network("198.51.0.0/16"), 0] == 0
    assert places[network("0.0.0.0/0"), 0] == 0


def test_data_in_hand_is_a_bit_that_the_process_must_hold(make: Any, tmp_path: Path) -> None:
    rules = compiled(make, tmp_path / "p", ["and", 0, 1], CLASS, SECRET)
    places = rules.places()
    assert places[network("198.51.100.0/24"), 0] == rules.labels["secret"] != ALWAYS
    assert rules.held({"provenance.labels": ["secret", "other"], "provenance.confidence": 0.9}) == 1
    assert rules.held({"provenance.labels": ["secret"], "provenance.confidence": 0.2}) == 0


def test_what_no_block_holds_is_denied_by_default_where_a_rule_says_so(make: Any, tmp_path: Path) -> None:
    external = ["destination.class", "equals", "external", False]
    places = compiled(make, tmp_path / "p", 0, external).places()
    assert places[network("0.0.0.0/0"), 0] == places[network("::/0"), 0] == ALWAYS
    assert places[network("127.0.0.0/8"), 0] == 0


def test_a_port_and_a_block_of_the_rule_itself(make: Any, tmp_path: Path) -> None:
    places = compiled(make, tmp_path / "p", ["or", 0, 1], MAIL, BLOCK).places()
    assert places[network("0.0.0.0/0"), 25] == ALWAYS
    assert places[network("0.0.0.0/0"), 0] == 0
    assert places[network("203.0.113.0/24"), 0] == ALWAYS


def test_a_name_becomes_addresses_when_it_is_resolved(make: Any, tmp_path: Path) -> None:
    rules = compiled(make, tmp_path / "p", 0, CLASS)
    answer = {"dns.question.name": "x.drop.example", "dns.resolved_ip": ["192.0.2.9", "not an address"]}
    assert rules.resolved(answer) == {(network("192.0.2.9"), 0): ALWAYS, (network("192.0.2.9"), 25): ALWAYS}
    assert rules.resolved({"dns.question.name": "good.example", "dns.resolved_ip": ["192.0.2.8"]}) == {}


@pytest.mark.parametrize(
    ("condition", "changed"),
    [(0, {"response": "alert"}), (0, {"risk": 10}), (["and", 0, 1], {})],
    ids=["an alert", "no verdict would block", "needs to know who"],
)
def test_what_cannot_be_told_in_advance_is_left_to_the_verdict(
    make: Any, tmp_path: Path, condition: Any, changed: dict[str, Any]
) -> None:
    rules = compiled(make, tmp_path / "p", condition, CLASS, ACTOR, **changed)
    assert not rules
    assert rules.places() == {}


Try = Callable[[str, int, int], str]


@pytest.fixture(scope="module")
def cgroup() -> Iterator[Cgroup]:
    made = Cgroup()
    yield made
    made.remove()


def tried(cgroup: Cgroup, before: Callable[[int], None], connect: Callable[[], None]) -> str:
    """What a process of the cgroup meets that connects after `before` was told its id."""
    gate, told = os.pipe(), os.pipe()
    if (pid := os.fork()) == 0:
        os.read(gate[0], 1)
        try:
            connect()
            os.write(told[1], b"connected")
        except OSError as error:
            os.write(told[1], str(error.strerror).encode())
        os._exit(0)
    cgroup.take(pid)
    before(pid)
    os.write(gate[1], b"x")
    os.waitpid(pid, 0)
    answer = os.read(told[0], 99).decode()
    for end in (*gate, *told):
        os.close(end)
    return answer


@pytest.mark.means("cgroup-connect")
@pytest.mark.live
def test_the_kernel_denies_what_is_listed_and_nothing_else(cgroup: Cgroup) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        filter_ = connect_filter(cgroup.path)
        filter_.deny({(network("127.7.0.0/16"), 0): ALWAYS, (network("127.0.0.1"), port): 1})

        def stream(address: str) -> Callable[[], None]:
            return lambda: socket.create_connection((address, port)).close()

        def datagram() -> None:
            socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("127.7.0.1", 53))

        nothing = lambda pid: None  # noqa: E731
        assert tried(cgroup, nothing, stream("127.0.0.1")) == "connected"
        assert (
            tried(cgroup, lambda pid: filter_.hold(pid, 1), stream("127.0.0.1")) == "Operation not permitted"
        )
        assert tried(cgroup, nothing, stream("127.7.0.1")) == "Operation not permitted"
        assert tried(cgroup, nothing, datagram) == "Operation not permitted"
        assert [(told.address, told.port) for told in filter_.denials()] == [
            ("127.0.0.1", port),
            ("127.7.0.1", port),
            ("127.7.0.1", 53),
        ]
        filter_.deny({})
        assert tried(cgroup, lambda pid: filter_.hold(pid, 1), stream("127.0.0.1")) == "connected"
        filter_.close()
