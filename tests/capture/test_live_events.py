"""Each kind of event, caused live and seen by the kernel source."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from capture.recorder import record
from workbench.dataset.attribute import attribute
from workbench.dataset.recording import Recording
from workbench.event import Value

pytestmark = pytest.mark.live
Events = list[dict[str, Value]]


class Seen(NamedTuple):
    recording: Recording
    events: Events
    work: str

    def all(self, action: str, **fields: Value) -> Events:
        wanted = {name.replace("__", "."): value for name, value in fields.items()}
        return [e for e in self.events if e["event.action"] == action and wanted.items() <= e.items()]

    def one(self, action: str, **fields: Value) -> dict[str, Value]:
        (event,) = self.all(action, **fields)
        return event


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    base = tmp_path_factory.mktemp("live")
    work = base / "work"
    work.mkdir()
    script = Path(__file__).with_name("workload.py")
    recording = record([sys.executable, str(script), str(work)], base / "r", source="bcc")
    return Seen(recording, list(recording.events()), str(work))


def test_nothing_is_lost_and_order_is_kept(seen: Seen) -> None:
    session = seen.recording.session
    assert session.exit_code == 0
    assert session.loss.dropped == 0
    assert session.loss.not_visible == {"mapped_files": 1}
    assert session.sent == session.received == len(seen.events) - 2
    assert [e["event.action"] for e in (seen.events[0], seen.events[-1])] == ["session_start", "session_end"]
    assert len({e["event.id"] for e in seen.events}) == len(seen.events)
    assert seen.events[0]["process.entity_id"] == seen.all("exec")[0]["process.entity_id"]


def test_files(seen: Seen) -> None:
    a, b = f"{seen.work}/a", f"{seen.work}/b"
    created = seen.one("create", file__path=a)
    assert created["file.flags"] == ["write", "create", "truncate"]
    inode = created["file.inode"]
    assert inode == str(Path(b).stat().st_ino)
    assert seen.one("write", file__path=a)["io.bytes"] == 5
    assert seen.one("open", file__path=a)["file.inode"] == inode
    assert seen.one("read", file__path=a)["file.inode"] == inode
    # An interpreter that has not run before renames what it compiled, too.
    assert seen.one("rename", file__path=b)["file.original.path"] == a
    assert seen.one("link", file__path=f"{seen.work}/hard")["file.original.path"] == b
    assert seen.one("link", file__path=f"{seen.work}/soft")["file.original.path"] == b
    assert [e["file.mode"] for e in seen.all("chmod", file__path=b)] == ["0640", "0600"]
    assert seen.one("chown", file__path=b)["file.uid"] == "1"
    assert seen.one("delete", file__path=f"{seen.work}/hard")["event.outcome"] == "success"
    assert seen.one("create", file__path=f"{seen.work}/made")["file.type"] == "dir"
    assert seen.one("delete", file__path=f"{seen.work}/made")["file.type"] == "dir"
    assert seen.one("mmap_write", file__path=b)["file.inode"] == inode
    assert seen.one("open", file__path=f"{seen.work}/no/such/file")["error.code"] == "ENOENT"


def test_writes_are_aggregated_and_nothing_of_them_is_lost(seen: Seen) -> None:
    writes = seen.all("write", file__path=f"{seen.work}/big")
    assert sum(int(e["io.bytes"]) for e in writes) == 100_000
    assert sum(int(e["io.operations"]) for e in writes) == 100
    assert len(writes) < 50
    assert all(e["event.start"] <= e["event.end"] == e["@timestamp"] for e in writes)


def test_pipes_and_memory_files_are_followed_by_inode(seen: Seen) -> None:
    (cat,) = [e for e in seen.all("write", file__type="pipe") if e["process.name"] == "cat"]
    (base64,) = [e for e in seen.all("read", file__type="pipe") if e["process.name"] == "base64"]
    assert cat["file.inode"] == base64["file.inode"]
    memory = seen.one("memfd", file__path="/memfd:notes")
    assert seen.one("write", file__type="memfd")["file.inode"] == memory["file.inode"]


def test_names_are_learnt_from_dns_on_any_port(seen: Seen) -> None:
    asked, answered = seen.all("dns", dns__question__name="updates.example.org")
    assert asked["dns.question.type"] == "A"
    assert answered["dns.resolved_ip"] == ["127.0.0.2"]
    connect = seen.one("connect", destination__ip="127.0.0.2")
    assert connect["destination.domain"] == "updates.example.org"
    assert connect["destination.port"] == 9


def test_connections_have_both_ends(seen: Seen) -> None:
    request = seen.one("http_request")
    assert request["http.request.method"] == "POST"
    assert (request["url.domain"], request["url.path"]) == ("sink.example", "/in")
    assert (request["user_agent.original"], request["http.request.body.bytes"]) == ("probe", 4)
    port = request["destination.port"]
    assert seen.one("bind", source__ip="127.0.0.1", source__port=port)["event.outcome"] == "success"
    connect, accept = (seen.one(action, destination__port=port) for action in ("connect", "accept"))
    assert connect["source.port"] == accept["source.port"]
    assert connect["network.initiated"] is True
    sent, received = seen.one("send", destination__port=port), seen.one("receive", destination__port=port)
    assert sent["network.bytes"] == received["network.bytes"]
    assert seen.one("send", source__port=port)["network.bytes"] == 100


def test_the_envelope_of_a_mail(seen: Seen) -> None:
    (sender,) = seen.all("smtp_command", email__sender__address="ada@a.example")
    recipients = [e["email.to.address"] for e in seen.all("smtp_command") if "email.to.address" in e]
    assert recipients == [["team@b.example"], ["boss@c.example"]]
    assert sender["destination.ip"] == "127.0.0.1"
    assert sender["network.direction"] == "egress"


def test_unix_sockets_name_the_inode_where_the_data_lands(seen: Seen) -> None:
    # The C library asks a name service's socket too, where it finds cause to.
    sent = seen.one("send", network__transport="unix", network__bytes=5)
    received = seen.one("receive", network__transport="unix", network__bytes=5)
    assert sent["file.inode"] == received["file.inode"]
    assert seen.one("connect", network__transport="unix", file__path=f"{seen.work}/plug")


def test_the_server_name_of_tls(seen: Seen) -> None:
    assert seen.one("tls_client_hello")["tls.client.server_name"] == "model.example"


def test_processes_act_on_processes(seen: Seen) -> None:
    killed = seen.one("signal", process__signal=15)
    (ended,) = [e for e in seen.all("exit") if e["process.entity_id"] == killed["process.target.entity_id"]]
    assert ended["process.exit_signal"] == 15
    dropped = seen.one("setuid")
    assert dropped["process.real_user.id"] == "65534"
    denied = seen.one("open", file__path="/etc/shadow")
    assert (denied["error.code"], denied["user.id"]) == ("EACCES", "65534")
    assert seen.one("ptrace")["process.target.pid"] == 1
    assert seen.one("exec", file__path="/no/such/program")["event.outcome"] == "failure"


def test_every_child_was_forked_by_someone(seen: Seen) -> None:
    children = {e["process.target.entity_id"] for e in seen.all("fork")}
    root = seen.events[0]["process.entity_id"]
    assert {e["process.entity_id"] for e in seen.events} == children | {root}
    for event in seen.all("exec", event__outcome="success"):
        parents = {e["process.entity_id"] for e in seen.events}
        adopted = event["process.args"] == ["true", "daemon"]
        assert event["process.entity_id"] == root or event["process.parent.entity_id"] in parents or adopted


def test_a_daemon_that_left_its_session_and_its_parent_stays_attributed(seen: Seen) -> None:
    told = {str(e["event.id"]): e for e in attribute(seen.events)}
    daemon = told[str(seen.one("exec", process__args=["true", "daemon"])["event.id"])]
    assert daemon["gen_ai.conversation.id"] == seen.recording.session.id
    assert daemon["attribution.method"] == "ancestry"
    ((fork, middle),) = [
        (e, e["process.entity_id"])
        for e in seen.all("fork")
        if e["process.target.entity_id"] == daemon["process.entity_id"]
    ]
    (left,) = [e for e in seen.all("exit") if e["process.entity_id"] == middle]
    assert int(str(fork["@timestamp"])) < int(str(left["@timestamp"])) < int(str(daemon["@timestamp"]))


def test_an_agent_that_was_started_by_an_agent_is_named_and_stays_in_its_session(seen: Seen) -> None:
    told = {str(e["event.id"]): e for e in attribute(seen.events)}
    tool = told[str(seen.one("exec", process__args=["/bin/true", "nested"])["event.id"])]
    assert tool["gen_ai.agent.name"] == "gemini-cli"
    assert tool["gen_ai.conversation.id"] == seen.recording.session.id


def test_a_pid_that_is_used_again_is_another_process(seen: Seen) -> None:
    first = {e["process.pid"]: e for e in seen.all("exec", process__args=["/bin/true", "first"])}
    second = {e["process.pid"]: e for e in seen.all("exec", process__args=["/bin/true", "second"])}
    (pid,) = first.keys() & second.keys()
    assert first[pid]["process.entity_id"] != second[pid]["process.entity_id"]
    for event in (first[pid], second[pid]):
        (end,) = seen.all("exit", process__entity_id=event["process.entity_id"])
        assert end["@timestamp"] > event["@timestamp"]


def test_of_the_environment_only_what_names_a_call_leaves(seen: Seen) -> None:
    cat = next(e for e in seen.all("exec") if e["process.name"] == "cat")
    assert cat["process.env_vars"] == ["CODEX_TOOL_CALL_ID=call_9"]
    assert cat["process.working_directory"] == seen.work
    assert "stays-where-it-is" not in str(seen.events)
