"""The hook appends one event, whole and quickly, and never fails its harness."""

from __future__ import annotations

import json
import resource
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from capture.hook import ACTIONS, event_of, redact, run
from workbench.event import check_event
from workbench.fields import ACTIONS as KNOWN

HOOK = Path(sys.executable).with_name("workbench-hook")
PAYLOAD = {
    "hook_event_name": "PreToolUse",
    "session_id": "s-1",
    "tool_name": "Bash",
    "tool_use_id": "toolu_1",
    "tool_input": {"command": "ls"},
    "cwd": "/home/kim",
    "permission_mode": "default",
}


def call(out: Path, payload: bytes) -> subprocess.CompletedProcess[bytes]:
    command = [HOOK, "--out", out, "--agent", "claude-code"]
    return subprocess.run(command, input=payload, capture_output=True, check=False)


def test_every_action_is_one_of_the_table() -> None:
    assert set(ACTIONS.values()) <= set(KNOWN["agent"])


def test_what_is_appended_is_an_event(tmp_path: Path) -> None:
    out = tmp_path / "hooks.jsonl"
    assert call(out, json.dumps(PAYLOAD).encode()).returncode == 0
    event = check_event(json.loads(out.read_text()))
    assert event["gen_ai.tool.call.id"] == "toolu_1"
    assert event["gen_ai.agent.name"] == "claude-code"
    assert abs(int(event["@timestamp"]) - time.time_ns()) < 60_000_000_000  # type: ignore[arg-type]
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_a_payload_it_does_not_know_is_counted_and_never_an_error(tmp_path: Path) -> None:
    out = tmp_path / "hooks.jsonl"
    for payload in (b"", b"not json", b"[]", b'{"hook_event_name": "Stop"}', b"[" * 100_000):
        run(payload, str(out))
    assert not out.exists()
    kept = [json.loads(line) for line in Path(f"{out}.unknown").read_text().splitlines()]
    kinds = ["not JSON", "not JSON", "not JSON", "Stop", "not JSON"]
    assert [one["kind"] for one in kept] == kinds
    assert kept[3]["record"] == '{"hook_event_name": "Stop"}'


def test_what_it_does_not_know_is_kept_without_secrets_and_within_bounds(tmp_path: Path) -> None:
    unknown = tmp_path / "hooks.jsonl.unknown"
    run(b'{"hook_event_name": "Stop", "token": "hunter22"}', str(tmp_path / "hooks.jsonl"))
    assert "hunter22" not in unknown.read_text()
    unknown.write_bytes(b"x" * 1_000_000 + b"\n")
    run(b'{"hook_event_name": "Stop"}', str(tmp_path / "hooks.jsonl"))
    assert json.loads(unknown.read_text().splitlines()[-1]) == {"kind": "Stop"}


def test_a_directory_that_is_not_there_is_told_and_does_not_stop_the_harness(tmp_path: Path) -> None:
    done = call(tmp_path / "no" / "such" / "file", json.dumps(PAYLOAD).encode())
    assert done.returncode == 0
    assert b"workbench-hook:" in done.stderr
    assert b"Traceback" not in done.stderr


def test_lines_of_many_hooks_do_not_mix(tmp_path: Path) -> None:
    out = tmp_path / "hooks.jsonl"
    payload = json.dumps(PAYLOAD | {"tool_input": {"command": "x" * 3_000}}).encode()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: run(payload, str(out)), range(200)))
    assert [json.loads(line)["gen_ai.tool.name"] for line in out.read_text().splitlines()] == ["Bash"] * 200


def test_it_returns_within_fifty_milliseconds(tmp_path: Path) -> None:
    def took(run: Callable[[], object]) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    def hook() -> object:
        return call(tmp_path / "hooks.jsonl", json.dumps(PAYLOAD).encode())

    def python() -> object:
        return subprocess.run([sys.executable, "-c", "pass"], check=True)

    # It waits for nothing, so that its processor time is its own cost; the rest is what else the machine did.
    # Where a busy machine makes Python's own start take several times its 10 ms, it may take longer too.
    assert any(took(hook) < max(0.05, 3 * took(python)) for _ in range(30))


def test_unicode_and_odd_values_survive() -> None:
    event = event_of(PAYLOAD | {"tool_input": {"command": "echo \ud800 ü"}, "session_id": 7}, 0)
    assert event is not None
    assert event["gen_ai.conversation.id"] == "7"


@pytest.mark.parametrize(
    "secret",
    [
        "AKIA" + "Q7ZP4WX2LM9RT5VB",
        "ghp_" + "0aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV1wX",
        "sk-" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4",
        "npm_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
        "correct-horse-7",
    ],
)
def test_secrets_are_taken_out_before_anything_is_written(tmp_path: Path, secret: str) -> None:
    out = tmp_path / "hooks.jsonl"
    commands = {
        "command": f"curl -H 'Authorization: Bearer {secret}' 'https://h.example/?api_key={secret}&x=1' -u a",
        "env": {"DB_PASSWORD": secret},
    }
    run(json.dumps(PAYLOAD | {"tool_input": commands}).encode(), str(out))
    run(json.dumps({"hook_event_name": "UserPromptSubmit", "prompt": f"token: {secret}"}).encode(), str(out))
    text = out.read_text()
    assert secret not in text
    assert "https://h.example/" in text


def test_a_private_key_is_taken_out_whole(tmp_path: Path) -> None:
    out = tmp_path / "hooks.jsonl"
    block = (
        "-----BEGIN OPENSSH PRIVATE KEY-----\n" + "b3BlbnNzaC1r\n" * 9 + "-----END OPENSSH PRIVATE KEY-----"
    )
    result = {"hook_event_name": "PostToolUse", "tool_name": "Bash", "tool_response": {"stdout": block}}
    run(json.dumps(result).encode(), str(out))
    assert "b3BlbnNzaC1r" not in out.read_text()


def test_redaction_takes_linear_time() -> None:
    for text in ("a" * 200_000, "key" * 60_000, "-----BEGIN " * 20_000, "a1=" * 60_000, "token: " * 30_000):
        began = time.perf_counter()
        redact(text)
        assert time.perf_counter() - began < 2


def test_a_control_plane_tells_of_its_state() -> None:
    state = {"token.id": "cap-1", "message.number": 3}
    payload = {"hook_event_name": "Control", "control_action": "token_refresh", "control": state}
    event = event_of(payload, 0)
    assert event is not None
    assert check_event(event)["event.category"] == "control"
    assert (event["control.token.id"], event["control.message.number"]) == ("cap-1", 3)
    assert event_of(payload | {"control_action": "launch"}, 0) is None
    assert event_of(payload | {"control": "x"}, 0) is None
