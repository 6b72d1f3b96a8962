"""The strace source sees what the kernel source sees, within its limits."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from capture.recorder import Recorder, record
from capture.source import open_source
from capture.strace.parse import Call, Ended, Reader, Signalled
from capture.strace.processes import Processes
from capture.strace.source import StraceSource
from workbench.errors import CaptureError
from workbench.event import Value
from workbench.sensor.containment import alive
from workbench.sensor.tree import Process

needs_strace = pytest.mark.means("strace")


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
        "smtp_command",
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
    recipients = [e["email.to.address"] for e in seen if "email.to.address" in e]
    assert recipients == [["team@b.example"], ["boss@c.example"]]
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


def test_an_end_without_its_beginning_is_counted_and_no_call() -> None:
    reader = Reader()
    assert reader.read("7 1.000001 <... openat resumed>) = 3") is None
    assert reader.read("7 1.000002 read(3</a>,  <unfinished ...>") is None
    assert reader.read("7 1.000003 <... chdir resumed>) = 0") is None
    assert reader.unread == 2


@pytest.mark.parametrize("end", ["<unfinished ...>", "<pid changed to 7 ...>"])
def test_a_thread_that_executes_takes_the_place_of_the_first(end: str) -> None:
    reader = Reader()
    assert reader.read(f'8 1.000001 execve("/bin/ls", ["ls"], 0x7f /* 1 var */ {end}') is None
    assert reader.read("7 1.000002 +++ superseded by execve in pid 8 +++") == Ended(8, 1_000_002_000, 0, "")
    assert reader.read("7 1.000003 <... execve resumed>) = 0") == Call(
        7, 1_000_003_000, "execve", ['"/bin/ls"', '["ls"]', "0x7f /* 1 var */"], 0, "", ""
    )
    assert not reader.unread


@needs_strace
def test_a_program_that_a_thread_executes_goes_on_as_its_process(tmp_path: Path) -> None:
    script = (
        "import os, threading, time; execute = lambda: os.execv('/bin/sh', ['sh', '-c', 'exit 7']);"
        "threading.Thread(target=execute).start(); time.sleep(9)"
    )
    recording = record([sys.executable, "-c", script], tmp_path / "r", source="strace")
    (shell,) = [e for e in recording.events() if e.get("process.args") == ["sh", "-c", "exit 7"]]
    (ended,) = [e for e in recording.events() if e["event.action"] == "exit"]
    assert shell["process.entity_id"] == ended["process.entity_id"] == recording.session.root_entity_id
    assert ended["process.exit_code"] == recording.session.exit_code == 7
    assert not recording.session.loss.detail


@needs_strace
def test_a_line_that_makes_no_sense_is_counted() -> None:
    lines = ("+++ exited with x +++", 'execve("/bin/ls") = 0', "chdir() = 0")
    source = StraceSource()
    with subprocess.Popen(["sleep", "9"]) as sleep:
        source.start(sleep.pid)
        told = source._decoded("".join(f"{sleep.pid} 1.000001 {line}\n" for line in lines).encode())
        sleep.kill()
    assert (told, source.stop().detail) == ([], {"unread_lines": 3})


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
    assert any("io_uring" in text for text in StraceSource.cannot_see)


@needs_strace
def test_a_running_tree_is_told_and_then_followed(tmp_path: Path) -> None:
    held, later = tmp_path / "held", tmp_path / "later"
    held.write_text("x")
    later.write_text("y")
    script = f"exec 7<{held}; sleep 60 & echo; read line; cat {later}; kill $!; /bin/true; :"
    recorder = Recorder(open_source("strace"))
    with subprocess.Popen(["bash", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as shell:
        assert shell.stdin is not None
        assert shell.stdout is not None
        shell.stdout.readline()
        threading.Timer(1, shell.stdin.write, [b"\n"]).start()
        threading.Timer(1.1, shell.stdin.flush).start()
        recorder.attach(shell.pid, timeout=20)
    recording = recorder.finish(tmp_path / "r")
    events = list(recording.events())
    told = [e for e in events if e["event.provider"] == "procfs"]
    assert [e["process.name"] for e in told if e["event.action"] == "exec"] == ["bash", "sleep"]
    assert any(e.get("file.path") == str(held) for e in told)
    seen = [e for e in events if e["event.provider"] == "strace"]
    assert any(e.get("file.path") == str(later) and e["process.name"] == "cat" for e in seen)
    (true,) = [e for e in seen if e["event.action"] == "exec" and e["process.name"] == "true"]
    root = told[0]["process.entity_id"]
    assert true["process.parent.entity_id"] == recording.session.root_entity_id == root
    (killed,) = [e for e in seen if e["event.action"] == "signal"]
    assert killed["process.target.entity_id"] in {e["process.entity_id"] for e in told} - {root}
    ids = {str(e["event.id"]) for e in told + seen}
    assert len(ids) == len(told + seen)
    assert not any(name.startswith("t") for name in ids)  # a sensor's name for what a transcript tells
    assert recording.session.loss.total() == 0


@needs_strace
def test_what_it_names_can_be_found_alive() -> None:
    source = StraceSource()
    command = ["sh", "-c", "read line; sh -c 'sleep 60 & sleep 60 & echo; wait'; :"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as shell:
        assert shell.stdin is not None
        assert shell.stdout is not None
        time.sleep(0.1)  # began well before it is traced
        source.start(shell.pid)
        shell.stdin.write(b"\n")
        shell.stdin.flush()
        shell.stdout.readline()
        told: dict[object, object] = {}
        until = time.monotonic() + 10
        while len(told) < 4 and time.monotonic() < until:
            events = source.poll(0.1)
            told |= {e["process.pid"]: e["process.entity_id"] for e in events if "process.pid" in e}
        named = [Process(str(entity), int(str(pid))) for pid, entity in told.items()]
        found = [alive(process) for process in named]
        source.stop()
        for process in named[::-1]:
            with suppress(ProcessLookupError):  # a shell whose children have ended ends by itself
                os.kill(process.pid, signal.SIGKILL)
    assert found == [True] * 4


def test_a_signal_may_be_told_when_its_sender_has_ended() -> None:
    processes = Processes("boot", 0, {})
    sender = processes.begin(7_000_000, 1, None, "/bin/sh", "/", "0")
    assert processes.end(sender.pid) is sender
    assert processes.of(sender.pid) is None
    assert processes.sender(sender.pid) is sender


@needs_strace
def test_a_process_that_another_traces_is_one_clear_line() -> None:
    command = ["strace", "-f", "-o", "/dev/null", "-e", "trace=none", "bash", "-c", "echo $$; read line"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as traced:
        assert traced.stdin is not None
        assert traced.stdout is not None
        pid = int(traced.stdout.readline())
        with pytest.raises(CaptureError, match=f"could not attach to process {pid}.*mend:"):
            Recorder(open_source("strace")).attach(pid, timeout=5)
        traced.stdin.write(b"\n")


@needs_strace
@pytest.mark.parametrize("name", ["clé.txt", 'a "b> c, d', "plain"])
def test_a_file_has_one_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "work").mkdir()
    file = tmp_path / "work" / name
    script = (
        "import os, sys; f = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY); os.write(f, b'x');"
        "os.fchmod(f, 0o600); os.open(sys.argv[1], os.O_RDONLY); os.unlink(sys.argv[1])"
    )
    recording = record([sys.executable, "-c", script, str(file)], tmp_path / "r", source="strace")
    told = {
        str(e["event.action"]): e["file.path"]
        for e in recording.events()
        if str(e.get("file.path")).startswith(str(file.parent))
    }
    assert told == dict.fromkeys(("create", "write", "chmod", "open", "delete"), str(file))


def test_what_a_returned_descriptor_stands_for_is_read_whole() -> None:
    def result(text: str) -> str:
        call = Reader().read(f'1 1.000001 openat(AT_FDCWD</srv>, "y", O_RDONLY) = 3{text}')
        assert isinstance(call, Call)
        return call.result

    assert result(r"</srv/cl\303\251 \76\"b>") == '/srv/clé >"b'
    assert result("<TCP:[127.0.0.1:1->127.0.0.1:2]>") == "TCP:[127.0.0.1:1->127.0.0.1:2]"
    assert result("</dev/null<char 1:3>>") == "/dev/null<char 1:3>"
    assert result("</srv/a->") == "/srv/a-"
