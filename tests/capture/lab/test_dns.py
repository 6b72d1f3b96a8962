"""The DNS server answers what it knows, and nothing makes it stumble."""

from __future__ import annotations

import socket
import struct
import threading
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from capture.lab.internet.dns import answer, question
from capture.lab.internet.journal import Journal, read_journal

ZONE = {"files.example": ["203.0.113.9", "2001:db8::9"]}


def query(name: str, kind: int = 1) -> bytes:
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"
    return struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + labels + struct.pack(">HH", kind, 1)


def test_a_known_name_gets_its_address() -> None:
    reply, name, kind = answer(query("Files.example"), ZONE, ())
    assert (name, kind) == ("Files.example", "A")
    assert reply[-4:] == socket.inet_aton("203.0.113.9")
    assert answer(query("files.example", 28), ZONE, ())[0][-16:] == socket.inet_pton(
        socket.AF_INET6, "2001:db8::9"
    )


def test_an_unknown_name_does_not_exist_and_names_below_a_wildcard_do() -> None:
    assert answer(query("other.example"), ZONE, ())[0][3] & 0xF == 3
    assert answer(query("a1b2.files.example"), ZONE, ("files.example",))[0][3] & 0xF == 0


@given(st.binary(max_size=80))
def test_any_bytes_are_answered_or_refused(message: bytes) -> None:
    try:
        question(message)
    except ValueError:
        return
    assert answer(message, ZONE, ())[0][:2] == message[:2]


def test_the_journal_is_read_up_to_its_last_whole_line(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    threads = [threading.Thread(target=journal.write, args=("dns",), kwargs={"n": n}) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with (tmp_path / "j").open("a") as file:
        file.write('{"cut')
    assert sorted(entry["n"] for entry in read_journal(tmp_path / "j")) == list(range(20))
