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


def test_a_process_that_says_the_same_again_is_known_as_before_and_one_that_says_new_things_anew() -> None:
    tree = Tree()
    first = act("exec", 2, attribution__actor="agent", process__name="sh", gen_ai__tool__call__id="a")
    for event in (first, first, act("exec", 2, process__name="curl"), first):
        tree.follow(event)
    known = tree.get("e2")
    assert known is not None
    assert (known.name, known.actor, known.call) == ("sh", "agent", "a")
    tree.follow(act("exec", 2, process__name="curl"))
    assert (known.name, known.actor, known.call) == ("curl", "agent", "a")


def test_a_fork_that_is_told_late_does_not_outlast_what_the_child_says_of_itself() -> None:
    tree = Tree()
    child = act("exec", 3, gen_ai__tool__call__id="b")
    for event in (child, fork(2, 3), child):
        tree.follow(event)
    known = tree.get("e3")
    assert known is not None
    assert (known.call, known.parent) == ("b", "e2")
