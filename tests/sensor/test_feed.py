"""The feed: order restored within bounds, whatever clocks and hooks do."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.source import follow
from workbench.errors import InputError
from workbench.event import order
from workbench.sensor.feed import Feed, HookLog, Reorder


@given(st.lists(st.integers(0, 1000), max_size=50))
def test_what_comes_within_the_hold_leaves_in_order(times: list[int]) -> None:
    buffer = Reorder(hold=1001)
    for moment in times:
        buffer.put([{"@timestamp": moment}], arrived=0)
    out = buffer.take(now=2001, passed=0)
    assert [event["@timestamp"] for event in out] == sorted(times)


def test_a_clock_set_back_holds_up_nothing() -> None:
    buffer = Reorder(hold=10)
    buffer.put([{"@timestamp": 10**18}], arrived=100)
    assert buffer.take(now=0, passed=105) == []
    assert len(buffer.take(now=0, passed=110)) == 1


def test_a_flood_leaves_early_and_is_not_dropped() -> None:
    buffer = Reorder(hold=10**9, most=100)
    events: list[Any] = [{"@timestamp": number, "event.sequence": number} for number in range(1000)]
    buffer.put(events, arrived=0)
    out = buffer.take(now=0, passed=0) + buffer.drain()
    assert out == sorted(events, key=order)


def line(**fields: Any) -> bytes:
    told = {"@timestamp": "2026-01-01T00:00:00Z", "event.category": "agent", "event.action": "tool_call"}
    return json.dumps(told | fields).encode() + b"\n"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "hooks.jsonl"
    path.write_bytes(line(**{"gen_ai.tool.name": "of an earlier run"}))
    return path


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_hooks_are_read_from_now_on_and_whole(log: Path) -> None:
    hooks = HookLog(log, "s1")
    whole = line(**{"gen_ai.tool.name": "shell", "gen_ai.conversation.id": "the harness's own"})
    append(log, whole[:30])
    assert hooks.read() == []
    append(log, whole[30:])
    (event,) = hooks.read()
    assert (event["gen_ai.tool.name"], event["gen_ai.conversation.id"]) == ("shell", "s1")
    hooks.close()


@pytest.mark.parametrize(
    "forged",
    [
        line(**{"event.category": "process", "event.action": "exec"}),
        line(**{"event.action": "session_start"}),
        b"{broken\n",
        b"[" * 100_000 + b"\n",
        b"\n",
    ],
)
def test_a_hook_cannot_speak_for_the_kernel_nor_stop_the_sensor(log: Path, forged: bytes) -> None:
    hooks = HookLog(log)
    append(log, forged)
    assert hooks.read() == []
    append(log, line())
    assert len(hooks.read()) == 1
    hooks.close()


def test_strange_keys_neither_fill_the_memory_nor_the_audit_log(log: Path) -> None:
    hooks = HookLog(log)
    append(log, line(**{f"key{number}": 1 for number in range(60_000)}))
    append(log, line(**{"k" * 900_000: 1}))
    heard = 0
    for _ in range(4):
        heard += len(hooks.read())
    assert heard == 2
    faults = hooks.faults()
    assert sum(faults.values()) == 60_001
    assert len(faults) <= 1_001
    assert max(map(len, faults)) <= 60
    assert hooks.faults() == {}
    hooks.close()


def test_a_log_that_is_a_link_is_refused(log: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(log)
    with pytest.raises(InputError, match="symbolic"):
        HookLog(tmp_path / "link")


class Silent:
    redacts = False

    def __init__(self) -> None:
        self.settled = False

    def poll(self, timeout: float) -> list[dict[str, Any]]:
        return []

    def settle(self) -> list[dict[str, Any]]:
        self.settled = True
        return []


def test_a_transcript_is_heard_while_it_is_written(tmp_path: Path) -> None:
    log = tmp_path / "proxy.jsonl"
    source = Silent()
    feed = Feed(source)  # type: ignore[arg-type]
    feed.transcripts = [follow(f"mcp:{log}", "s1")]
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "read"}}
    log.write_text(json.dumps({"timestamp": "2026-01-01T00:00:00Z", "message": call}) + "\n")
    time.sleep(0.06)  # it looks twenty times a second
    (event,) = feed.drain()
    assert (event["gen_ai.tool.name"], event["event.id"]) == ("read", "t1")
    assert not source.settled
    assert feed.finish() == []
    assert source.settled
