"""What runs is told as text, whatever bytes its names have."""

from __future__ import annotations

import os
import socket
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

from capture.snapshot import describe
from workbench.event import Value, to_json


def test_names_of_any_bytes_are_told_as_text(tmp_path: Path) -> None:
    place = Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad-\xff"))
    place.mkdir()
    held = (place / "held").open("w")
    with held, subprocess.Popen(["sleep", "30"], cwd=place, stdout=held) as process:
        events = list(describe(process.pid, "boot"))
        process.kill()
    assert "bad-\ufffd" in str(events[0]["process.working_directory"])
    assert any(str(event.get("file.path", "")).endswith("bad-\ufffd/held") for event in events)
    assert all(to_json(event) for event in events)


def held(*sockets: socket.socket) -> list[dict[str, Value]]:
    """What is told of this process's sockets."""
    inodes = [str(os.fstat(each.fileno()).st_ino) for each in sockets]
    told = {str(event.get("file.inode")): event for event in describe(os.getpid(), "boot")}
    return [told[inode] for inode in inodes]


def test_a_connection_that_was_accepted_came_from_its_peer() -> None:
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        client = stack.enter_context(socket.create_connection(server.getsockname()))
        accepted = stack.enter_context(server.accept()[0])
        ours, theirs = held(client, accepted)
        source, destination = client.getsockname(), server.getsockname()
    for event in (ours, theirs):
        assert (event["source.ip"], event["source.port"]) == source
        assert (event["destination.ip"], event["destination.port"]) == destination
    assert (ours["event.action"], ours["network.direction"]) == ("connect", "egress")
    assert (theirs["event.action"], theirs["network.direction"]) == ("accept", "ingress")


@pytest.mark.parametrize("kind", ["STREAM", "DGRAM"])
def test_connections_of_ipv6_are_told(kind: str) -> None:
    with ExitStack() as stack:
        make = socket.SocketKind[f"SOCK_{kind}"]
        server = stack.enter_context(socket.socket(socket.AF_INET6, make))
        try:
            server.bind(("::1", 0))
        except OSError:
            pytest.skip("this host has no IPv6")
        if kind == "STREAM":
            server.listen()
        client = stack.enter_context(socket.socket(socket.AF_INET6, make))
        client.connect(server.getsockname())
        (event,) = held(client)
        port = server.getsockname()[1]
    assert (event["destination.ip"], event["destination.port"]) == ("::1", port)
    assert event["network.transport"] == ("tcp" if kind == "STREAM" else "udp")
    assert event["network.type"] == "ipv6"
