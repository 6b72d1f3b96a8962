"""Files of other tools become events; what they lost and what is not understood is counted.

The fixtures are constructed from the tools' documents, not recorded.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from capture.formats import Imported, reader
from capture.importer import import_file
from workbench.errors import InputError
from workbench.event import check_event

FIXTURES = Path(__file__).parent / "formats"


def load(name: str, file: str) -> Imported:
    with (FIXTURES / file).open("rb") as lines:
        return reader(name)(lines, file)


@pytest.mark.parametrize(
    ("name", "file"),
    [("eslogger", "eslogger.jsonl"), ("tetragon", "tetragon.jsonl"), ("auditd", "audit.log")],
)
def test_every_event_is_one_of_the_vocabulary(name: str, file: str) -> None:
    for event in load(name, file).events:
        assert check_event(event) == event


def test_eslogger() -> None:
    told = load("eslogger", "eslogger.jsonl")
    exec_, fork, open_, rename, exit_ = told.events
    assert exec_["process.args"] == ["cat", "/Users/a/.ssh/id"]
    assert exec_["process.env_vars"] == ["CODEX_TOOL_CALL_ID=c1"]
    assert exec_["process.entity_id"] == open_["process.entity_id"]
    assert fork["process.target.pid"] == 501
    assert (open_["file.path"], open_["file.flags"]) == ("/Users/a/.ssh/id", ["read"])
    assert (rename["file.original.path"], rename["file.path"]) == ("/tmp/a", "/tmp/b")
    assert exit_["process.exit_code"] == 1
    assert told.loss.dropped == 3
    assert told.loss.detail["unknown_xp_malware_detected"] == 1
    assert any("network" in text for text in told.cannot_see)


def test_tetragon() -> None:
    told = load("tetragon", "tetragon.jsonl")
    exec_, connect, read, exit_ = told.events
    assert exec_["process.args"] == ["/usr/bin/curl", "-s", "http://sink.example/a b"]
    assert exec_["process.parent.executable"] == "/usr/bin/bash"
    assert (connect["destination.ip"], connect["destination.port"]) == ("203.0.113.9", 443)
    assert (read["event.action"], read["file.path"]) == ("read", "/etc/hosts")
    assert exit_["process.exit_signal"] == 9
    assert told.loss.dropped == 12
    assert told.loss.detail["unknown_process_kprobe:__x64_sys_write_unheard_of"] == 1


def test_auditd() -> None:
    told = load("auditd", "audit.log")
    exec_, open_, connect, rename = told.events
    assert exec_["process.args"] == ["cat", "/tmp/a b.txt"]
    assert exec_["process.working_directory"] == "/home/a"
    assert (open_["file.path"], open_["error.code"]) == ("/home/b/key", "EACCES")
    assert open_["file.device"] == "8:2"
    assert (connect["destination.ip"], connect["destination.port"]) == ("203.0.113.9", 443)
    assert (rename["file.original.path"], rename["file.path"]) == ("/srv/old", "/srv/new")
    assert told.loss.dropped == 3


def test_an_imported_file_is_a_recording(tmp_path: Path) -> None:
    recording = import_file("eslogger", FIXTURES / "eslogger.jsonl", tmp_path / "r")
    actions = [e["event.action"] for e in recording.events()]
    assert actions == ["session_start", "exec", "fork", "open", "rename", "exit", "session_end"]
    assert recording.session.sent == recording.session.received + recording.session.loss.dropped


@pytest.mark.parametrize("name", ["eslogger", "tetragon", "auditd"])
def test_lines_that_are_something_else_are_all_named(name: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad.write_bytes(b"\xffnonsense\n\n[1]\n")
    with pytest.raises(InputError) as caught:
        import_file(name, bad, tmp_path / "r")
    assert f"{bad}:1" in str(caught.value)
    assert f"{bad}:3" in str(caught.value)


@pytest.mark.parametrize(
    "line", [b"{}", b'{"event":{"exec":null}}', b'{"event":{"exec":{}},"time":3}', b'{"process_exec":[]}']
)
@pytest.mark.parametrize("name", ["eslogger", "tetragon"])
def test_a_malformed_message_is_counted_not_fatal(name: str, line: bytes) -> None:
    told = reader(name)([line], "x")
    assert told.events == []
    assert sum(told.loss.detail.values()) == 1
