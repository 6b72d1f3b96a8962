"""The tree of traced processes: what is to be ended with what, in bounded memory."""

from __future__ import annotations

from typing import Any

from workbench.sensor.tree import Tree


def act(action: str, pid: int, **more: Any) -> dict[str, Any]:
    event = {
        "event.category": "process",
        "event.action": action,
        "process.pid": pid,
        "process.entity_id": f"e{pid}",
    }
    return event | {name.replace("__", "."): value for name, value in more.items()}


def fork(parent: int, child: int) -> dict[str, Any]:
    return act("fork", parent, process__target__pid=child, process__target__entity_id=f"e{child}")


def test_ended_processes_are_forgotten_and_what_they_left_behind_stays_in_reach() -> None:
    tree = Tree(most_ended=10)
    tree.follow({"event.category": "agent", "event.action": "session_start", "process.entity_id": "e1"})
    tree.follow(fork(1, 2))
    tree.follow(fork(2, 3))
    tree.follow(fork(3, 4))  # a daemon, forked twice
    tree.follow(act("exit", 3))
    for number in range(100, 1100):
        tree.follow(fork(2, number))
        tree.follow(act("exit", number))
    assert tree.get("e3") is None
    command = tree.below("e2")
    assert {"e2", "e4"} <= {process.entity for process in command}
    assert len(command) == 12
    assert tree.offender("e4") == "e2"
    assert tree.by_pid(100) is None


def test_what_was_seen_longest_ago_goes_first_where_nothing_has_ended() -> None:
    tree = Tree(most=3)
    for number in range(1, 6):
        tree.follow(act("exec", number))
    assert [tree.get(f"e{number}") is not None for number in range(1, 6)] == [False, False, True, True, True]
    assert tree.evicted == 2
