"""Files of other tools become events; what they lost and what is not understood is counted.

The fixtures are constructed from the tools' documents, not recorded.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


AUDITD = b"type=SYSCALL msg=audit(1.000:1): arch=c000003e syscall=2 success=yes exit=3 a1=0 pid=%s ppid=1"
PROCESS = b'{"exec_id":"e","pid":%s,"binary":"/bin/ls"}'
TETRAGON = b'{"process_exit":{"process":' + PROCESS + b"}%s}"
ESLOGGER = (
    b'{"time":"2026-01-01T00:00:00Z","event":%s,"process":{"ppid":%s,"audit_token":'
    b'{"pid":1,"pidversion":2,"euid":0},"executable":{"path":"/bin/ls"}}}'
)


@pytest.mark.parametrize(
    ("name", "line", "kind"),
    [
        ("auditd", AUDITD % b"zz", "malformed_SYSCALL"),
        ("auditd", AUDITD % b"99999999999999999999", "malformed_SYSCALL"),
        ("tetragon", TETRAGON % (b"1", b""), "malformed_process_exit"),
        ("tetragon", TETRAGON % (b'"one"', b',"time":"2026-01-01T00:00:00Z"'), "malformed_process_exit"),
        ("tetragon", TETRAGON % (b"1", b',"time":"2600-01-01T00:00:00Z"'), "malformed_process_exit"),
        ("tetragon", b'{"rate_limit_info":null}', "malformed_rate_limit_info"),
        ("eslogger", b'{"event":["x"]}', "unknown_nothing"),
        ("eslogger", ESLOGGER % (b'{"exit":{"stat":0}}', b'"one"'), "malformed_exit"),
    ],
)
def test_what_is_no_event_is_counted_by_its_kind(name: str, line: bytes, kind: str) -> None:
    told = reader(name)([line], "x")
    assert told.events == []
    assert told.loss.detail == {kind: 1}


FILES = {"eslogger": "eslogger.jsonl", "tetragon": "tetragon.jsonl"}
ODD = st.sampled_from([None, "", "one", [], ["x"], {}, {"x": None}, -1, 2**70, 1.5, True])


def odd(value: Any, data: st.DataObject) -> Any:
    """Put something else in one place of a value, or in its own."""
    places = (
        list(value) if isinstance(value, dict) else list(range(len(value)) if isinstance(value, list) else ())
    )
    if not places or data.draw(st.integers(0, 7)) == 0:
        return data.draw(ODD)
    place = data.draw(st.sampled_from(places))
    value[place] = odd(value[place], data)
    return value


@pytest.mark.parametrize("name", FILES)
@given(data=st.data())
def test_any_message_is_an_event_or_counted(name: str, data: st.DataObject) -> None:
    lines = (FIXTURES / FILES[name]).read_bytes().splitlines()
    message = json.loads(data.draw(st.sampled_from(lines)))
    line = json.dumps(odd(message, data) if message else {}).encode()
    try:
        events = reader(name)([line], "x").events
    except InputError:
        return
    assert [check_event(event) for event in events] == events


@given(data=st.data())
def test_any_audit_record_is_an_event_or_counted(data: st.DataObject) -> None:
    text = (FIXTURES / "audit.log").read_text()
    values = list(re.finditer(r"(?<=[=:(.])[^\s=:(.]+", text))
    found = data.draw(st.sampled_from(values))
    other = data.draw(st.sampled_from(["", "zz", "-", '"', "(null)", "0", "9" * 30, "9" * 5000, "ff", "a:b"]))
    lines = (text[: found.start()] + other + text[found.end() :]).encode().splitlines()
    try:
        events = reader("auditd")(lines, "x").events
    except InputError:
        return
    assert [check_event(event) for event in events] == events
