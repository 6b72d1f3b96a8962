from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.scorer.enrich.bounded import MOST_RETIRED
from workbench.scorer.enrich.lineage import MAX_DEPTH, Lineage
from workbench.scorer.links import Links

MakeTape = Callable[..., Any]


@pytest.fixture
def lineage() -> Lineage:
    return Lineage()


@pytest.fixture
def tape(make_tape: MakeTape, lineage: Lineage) -> Any:
    return make_tape(lineage.apply)


def test_later_events_carry_what_exec_told(tape: Any) -> None:
    tape.exec("shell", "bash", "-c", "cat notes")
    tape.spawn("shell", "cat", "cat", "notes")
    event = tape.file("open", "cat", "/tmp/notes")
    assert event["process.executable"] == "/usr/bin/cat"
    assert event["process.command_line"] == "cat notes"
    assert event["process.parent.entity_id"] == "shell"
    assert event["process.parent.executable"] == "/usr/bin/bash"
    assert event["process.parent.command_line"] == "bash -c cat notes"
    assert event["process.ancestry"] == ["/usr/bin/bash"]


def test_ancestry_is_nearest_first_and_bounded(tape: Any) -> None:
    tape.exec("p0", "/bin/p0")
    for number in range(1, 40):
        tape.spawn(f"p{number - 1}", f"p{number}", f"/bin/p{number}")
    event = tape.file("open", "p39", "/x")
    assert event["process.ancestry"] == [f"/bin/p{n}" for n in range(38, 38 - MAX_DEPTH, -1)]


def test_a_given_value_wins(tape: Any) -> None:
    tape.exec("p", "cat")
    event = tape.file("open", "p", "/x", process__executable="/given", process__name="given")
    assert (event["process.executable"], event["process.name"]) == ("/given", "given")


def test_a_failed_exec_changes_nothing(tape: Any) -> None:
    tape.exec("p", "cat")
    tape.exec("p", "dog", event__outcome="failure")
    assert tape.file("open", "p", "/x")["process.executable"] == "/usr/bin/cat"


def test_a_pid_used_again_is_another_process(tape: Any) -> None:
    tape.pids |= {"old": 7, "new": 7}
    tape.exec("old", "cat")
    tape.event("process/exit", "old")
    event = tape.event("file/open", "new")
    assert "process.executable" not in event


def test_without_entity_ids_exit_and_fork_tell_a_used_pid_apart(tape: Any) -> None:
    first = tape.event("process/exec", process__pid=7, process__executable="/bin/a")
    tape.event("process/exit", process__pid=7)
    tape.event("process/fork", process__pid=9, process__target__pid=7)
    second = tape.event("file/open", process__pid=7)
    assert first["process.entity_id"] != second["process.entity_id"]
    assert second.get("process.executable") != "/bin/a"


def test_an_adopted_process_keeps_its_real_ancestry(tape: Any) -> None:
    tape.pids["init"] = 1
    tape.exec("shell", "bash")
    tape.spawn("shell", "daemon", "/bin/daemon")
    tape.event("process/exit", "shell")
    event = tape.file("open", "daemon", "/x", process__parent__pid=1)
    assert event["process.ancestry"] == ["/usr/bin/bash"]
    assert event["process.parent.pid"] == 1
    assert "process.parent.executable" not in event, "nothing is known of pid 1, and bash is not pid 1"


def test_a_fork_told_after_its_childs_first_event_loses_nothing(tape: Any) -> None:
    tape.exec("shell", "bash")
    tape.exec("child", "cat")
    tape.fork("shell", "child")
    event = tape.file("open", "child", "/x")
    assert event["process.executable"] == "/usr/bin/cat"
    assert event["process.ancestry"] == ["/usr/bin/bash"]


def test_what_is_forgotten_is_counted_and_the_exited_go_first(make_tape: MakeTape) -> None:
    lineage = Lineage(max_processes=10)
    tape = make_tape(lineage.apply)
    tape.exec("keep", "/bin/keep")
    for number in range(100):
        tape.exec(f"p{number}", "/bin/x")
        tape.event("process/exit", f"p{number}")
    assert lineage.evicted == 91
    assert tape.file("open", "keep", "/x")["process.executable"] == "/bin/keep"


def test_of_what_exited_only_the_last_are_remembered_also_after_a_restart(make_tape: MakeTape) -> None:
    lineage = Lineage()
    tape = make_tape(lineage.apply)
    tape.exec("keep", "/bin/keep")
    for number in range(MOST_RETIRED + 7):
        tape.exec(f"p{number}", "/bin/x")
        tape.event("process/exit", f"p{number}")
    assert list(lineage.snapshot()["processes"])[:2] == ["keep", "p7"]
    assert lineage.evicted == 0
    other = Lineage()
    other.restore(lineage.snapshot())
    again = make_tape(other.apply)
    again.exec("last", "/bin/x")
    again.event("process/exit", "last")
    assert list(other.snapshot()["processes"])[:2] == ["keep", "p8"]


def test_what_left_something_behind_is_remembered_while_that_lives(make_tape: MakeTape) -> None:
    lineage = Lineage()
    tape = make_tape(lineage.apply)
    tape.exec("agent", "agent")
    tape.spawn("agent", "shell", "bash")
    tape.spawn("shell", "daemon", "daemon")
    tape.event("process/exit", "shell")
    for number in range(MOST_RETIRED + 1):
        tape.spawn("agent", f"p{number}", "true")
        tape.event("process/exit", f"p{number}")
    event = tape.file("open", "daemon", "/x")
    assert event["process.parent.name"] == "bash"
    assert Links(lineage).line(event) == ["daemon", "shell", "agent"]
    tape.event("process/exit", "daemon")
    assert list(lineage.snapshot()["exited"])[-2:] == ["daemon", "shell"]


def test_long_command_lines_do_not_fill_the_memory(make_tape: MakeTape) -> None:
    lineage = Lineage(max_characters=1_000)
    tape = make_tape(lineage.apply)
    for number in range(100):
        tape.exec(f"p{number}", "/bin/x", "x" * 43)
        tape.exec(f"p{number}", "/bin/x", "x" * 93)
    kept = lineage.snapshot()["processes"]
    assert (len(kept), lineage.evicted) == (10, 90)
    assert tape.file("open", "p99", "/x")["process.command_line"] == "/bin/x " + "x" * 93
    other = Lineage(max_characters=300)
    other.restore(lineage.snapshot())
    assert list(other.snapshot()["processes"]) == ["p97", "p98", "p99"]


def test_a_snapshot_survives_canonical_cbor(make_tape: MakeTape, lineage: Lineage) -> None:
    tape = make_tape(lineage.apply)
    tape.exec("shell", "bash")
    tape.spawn("shell", "cat", "cat")
    other = Lineage()
    other.restore(cbor2.loads(cbor2.dumps(lineage.snapshot(), canonical=True)))
    assert other.snapshot() == lineage.snapshot()
    event = make_tape(other.apply).file("open", "cat", "/x")
    assert event["process.ancestry"] == ["/usr/bin/bash"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["fork", "exec", "exit", "signal"]),
            st.integers(1, 6),
            st.integers(1, 6),
            st.booleans(),
        )
    )
)
def test_any_stream_is_taken_and_state_stays_bounded(steps: list[tuple[str, int, int, bool]]) -> None:
    lineage = Lineage(max_processes=4)
    for time, (action, pid, target, named) in enumerate(steps):
        event: dict[str, Any] = {"@timestamp": time, "event.category": "process", "event.action": action}
        event |= {"process.pid": pid, "process.target.pid": target}
        if named:
            event["process.entity_id"] = f"e{pid}"
        given_values = dict(event)
        lineage.apply(event)
        assert given_values.items() <= event.items()
        assert len(lineage.snapshot()["processes"]) <= 4
        assert len(event.get("process.ancestry", [])) <= MAX_DEPTH
