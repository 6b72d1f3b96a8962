"""The strace source sees what the kernel source sees, within its limits."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from capture.recorder import record
from capture.source import why_not
from capture.strace.parse import Call, Ended, Reader, Signalled
from workbench.event import Value

needs_strace = pytest.mark.skipif(why_not("strace") is not None, reason="strace cannot trace here")


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Value]]:
    base = tmp_path_factory.mktemp("strace")
    work = base / "work"
    work.mkdir()
    script = Path(__file__).with_name("workload.py")
    recording = record([sys.executable, str(script), str(work)], base / "r", source="strace")
    assert recording.session.exit_code == 0
    return list(recording.events())


@needs_strace
def test_every_exec_is_seen_once(tmp_path: Path) -> None:
    recording = record(
        ["bash", "-c", "for i in $(seq 23); do /bin/true; done"], tmp_path / "r", source="strace"
    )
    execs = [
        e for e in recording.events() if e["event.action"] == "exec" and e["process.args"] == ["/bin/true"]
    ]
    assert len({e["process.entity_id"] for e in execs}) == 23
    ended = [e for e in recording.events() if e["event.action"] == "exit"]
    assert {e["process.entity_id"] for e in execs} < {e["process.entity_id"] for e in ended}


@needs_strace
def test_each_kind_of_event_is_seen(seen: list[dict[str, Value]]) -> None:
    actions = {e["event.action"] for e in seen}
    assert actions >= {"fork", "exec", "exit", "signal", "ptrace", "setuid", "memfd"}
    assert actions >= {
        "open",
        "read",
        "write",
        "create",
        "rename",
        "link",
        "delete",
        "chmod",
        "chown",
        "mmap_write",
    }
    assert actions >= {
        "connect",
        "accept",
        "bind",
        "send",
        "receive",
        "dns",
        "tls_client_hello",
        "http_request",
    }


@needs_strace
def test_data_is_followed_and_names_are_learnt(seen: list[dict[str, Value]]) -> None:
    pipes = [e for e in seen if e.get("file.type") == "pipe"]
    (cat,) = [e for e in pipes if e["process.name"] == "cat" and e["event.action"] == "write"]
    (base64,) = [e for e in pipes if e["process.name"] == "base64" and e["event.action"] == "read"]
    assert cat["file.inode"] == base64["file.inode"]
    (connect,) = [
        e for e in seen if e["event.action"] == "connect" and e.get("destination.ip") == "127.0.0.2"
    ]
    assert connect["destination.domain"] == "updates.example.org"
    (hello,) = [e for e in seen if e["event.action"] == "tls_client_hello"]
    assert hello["tls.client.server_name"] == "model.example"
    big = [e for e in seen if e["event.action"] == "write" and str(e.get("file.path")).endswith("/big")]
    assert sum(int(e["io.bytes"]) for e in big) == 100_000


@needs_strace
def test_the_environment_stays_where_it_is(seen: list[dict[str, Value]]) -> None:
    (cat,) = [e for e in seen if e["event.action"] == "exec" and e["process.name"] == "cat"]
    assert cat["process.env_vars"] == ["CODEX_TOOL_CALL_ID=call_9"]
    assert "stays-where-it-is" not in str(seen)


def test_a_call_told_in_two_lines_is_put_together() -> None:
    reader = Reader()
    assert reader.read("7 1.000001 read(3</a>,  <unfinished ...>\n") is None
    assert reader.read("8 1.000002 +++ exited with 3 +++") == Ended(8, 1_000_002_000, 3, "")
    assert reader.read('7 1.000003 <... read resumed>"x, y", 10) = 4') == Call(
        7, 1_000_003_000, "read", ["3</a>", '"x, y"', "10"], 4, "", ""
    )
    assert reader.read("7 1.5 nonsense") is None


def test_failures_and_signals_are_read() -> None:
    reader = Reader()
    call = reader.read('1 1.000001 open("/x", O_RDONLY) = -1 ENOENT (No such file or directory)')
    assert isinstance(call, Call)
    assert (call.ret, call.error) == (-1, "ENOENT")
    told = reader.read("1 1.000001 --- SIGTERM {si_signo=SIGTERM, si_code=SI_USER, si_pid=9, si_uid=0} ---")
    assert told == Signalled(1, 1_000_001_000, "SIGTERM", 9, user=True)
    opened = reader.read('1 1.000001 openat(AT_FDCWD</srv>, "y", O_RDONLY) = 3</srv/y>')
    assert isinstance(opened, Call)
    assert (opened.ret, opened.result) == (3, "/srv/y")


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_it_says_what_it_cannot_see() -> None:
    from capture.strace.source import StraceSource

    assert any("io_uring" in text for text in StraceSource.cannot_see)
