from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.scorer.enrich.attribution import Attribution
from workbench.scorer.enrich.lineage import Lineage

MakeTape = Callable[..., Any]
CODEX = "/usr/lib/node_modules/@openai/codex/vendor/codex-x86_64-unknown-linux-musl"


@pytest.fixture
def world(make_tape: MakeTape, agents: dict[str, Any]) -> Callable[..., Any]:
    def make(**settings: Any) -> Any:
        return make_tape(Lineage().apply, Attribution(agents, **settings).apply)

    return make


@pytest.fixture
def tape(world: Callable[..., Any]) -> Any:
    return world()


@pytest.fixture
def session(tape: Any) -> Any:
    tape.exec("root", CODEX, "exec")
    tape.session()
    return tape


def who(event: dict[str, Any]) -> tuple[Any, Any, Any]:
    return event.get("gen_ai.tool.call.id"), event["attribution.method"], event["attribution.actor"]


def test_a_call_id_in_the_environment_is_the_strongest_and_is_inherited(session: Any) -> None:
    session.call("c1", "ls")
    session.call("c2", "cat a")
    shell = session.spawn("root", "sh", "bash", "-lc", "ls", process__env_vars=["CODEX_TOOL_CALL_ID=c2"])
    assert who(shell) == ("c2", "environment", "tool_child")
    child = session.spawn("sh", "ls", "ls")
    assert who(child) == ("c2", "environment", "tool_child")
    assert child["gen_ai.conversation.id"] == "s1"
    assert child["gen_ai.agent.name"] == "codex"
    assert child["gen_ai.tool.name"] == "shell"
    assert child["attribution.confidence"] > 0.9


def test_a_tool_cannot_disguise_itself_as_another_call(session: Any) -> None:
    session.spawn("root", "sh", "bash", process__env_vars=["CODEX_TOOL_CALL_ID=c1"])
    liar = session.spawn(
        "sh", "liar", "curl", process__env_vars=["CODEX_TOOL_CALL_ID=c9", "CODEX_SESSION_ID=x"]
    )
    assert who(liar) == ("c1", "environment", "tool_child")
    assert liar["gen_ai.conversation.id"] == "s1"


def test_without_the_environment_the_command_tells_the_call(world: Callable[..., Any]) -> None:
    tape = world(environment=False)
    tape.exec("root", CODEX)
    tape.session()
    tape.call("c1", "ls -l")
    tape.call("c2", "make test")
    event = tape.spawn("root", "sh", "bash", "-lc", "make  test", process__env_vars=["CODEX_TOOL_CALL_ID=c1"])
    assert who(event) == ("c2", "harness_event", "tool_child")


def test_two_calls_of_the_same_command_go_to_two_processes(session: Any) -> None:
    session.call("c1", "make test")
    session.call("c2", "make test")
    assert who(session.spawn("root", "a", "bash", "-c", "make test"))[0] == "c1"
    assert who(session.spawn("root", "b", "bash", "-c", "make test"))[0] == "c2"


def test_a_call_told_late_still_finds_its_process(session: Any) -> None:
    session.spawn("root", "sh", "bash", "-c", "make test")
    session.spawn("sh", "make", "make", "test")
    session.call("c1", "make test")
    event = session.file("open", "make", "/x")
    assert who(event) == ("c1", "harness_event", "tool_child")


def test_the_only_running_call_is_known_by_ancestry_and_one_of_several_by_timing(session: Any) -> None:
    session.call("c1", tool="shell")
    alone = session.spawn("root", "a", "python3", "/tmp/x.py")
    session.result("c1")
    session.call("c2")
    session.call("c3")
    several = session.spawn("root", "b", "python3", "/tmp/y.py")
    assert who(alone) == ("c1", "ancestry", "tool_child")
    assert who(several) == ("c3", "timing", "tool_child")
    assert several["attribution.confidence"] < alone["attribution.confidence"]


def test_what_the_agent_starts_between_calls_is_its_own(session: Any) -> None:
    session.call("c1", "ls")
    session.result("c1")
    assert who(session.spawn("root", "git", "git", "status")) == (None, "ancestry", "agent")


def test_an_agents_own_work_during_a_call_is_that_calls_by_timing(session: Any) -> None:
    session.call("c1", tool="write_file")
    assert who(session.file("write", "root", "/repo/a.py")) == ("c1", "timing", "agent")
    session.result("c1")
    assert who(session.file("write", "root", "/x")) == (None, "ancestry", "agent")


def test_a_call_is_its_prompts(session: Any) -> None:
    session.event("agent/prompt", gen_ai__conversation__id="s1", gen_ai__prompt__id="p1")
    session.call("c1", "ls")
    session.spawn("root", "sh", "bash", "-c", "ls")
    session.event("agent/prompt", gen_ai__conversation__id="s1", gen_ai__prompt__id="p2")
    assert session.file("open", "sh", "/x")["gen_ai.prompt.id"] == "p1"
    assert session.file("open", "root", "/x")["gen_ai.prompt.id"] == "p2"


def test_daemons_stay_with_the_call_that_started_them(session: Any) -> None:
    session.call("c1", "serve")
    session.spawn("root", "sh", "bash", "-c", "serve")
    session.fork("sh", "middle")
    session.fork("middle", "daemon")
    session.event("process/exit", "middle")
    session.event("process/exit", "sh")
    session.result("c1")
    session.call("c2", "ls")
    session.pids["init"] = 1
    event = session.exec("daemon", "/opt/serve", process__parent__pid=1)
    assert who(event) == ("c1", "harness_event", "tool_child")


def test_a_pid_used_again_outside_the_session_is_unknown(session: Any) -> None:
    session.spawn("root", "tool", "ls", process__env_vars=["CODEX_TOOL_CALL_ID=c1"])
    session.event("process/exit", "tool")
    session.pids["stranger"] = session.pid("tool")
    assert who(session.exec("stranger", "ls")) == (None, "none", "unknown")


def test_unknown_is_an_answer(tape: Any) -> None:
    event = tape.exec("p", "bash", "-c", "ls")
    assert who(event) == (None, "none", "unknown")
    assert event["attribution.confidence"] == 0.0
    assert "gen_ai.conversation.id" not in event


def test_a_known_agent_is_recognised_by_its_files_without_a_session_being_told(tape: Any) -> None:
    event = tape.exec("p", CODEX)
    assert event["gen_ai.agent.name"] == "codex"
    assert event["attribution.actor"] == "agent"
    tool = tape.spawn("p", "sh", "bash", "-c", "ls")
    assert tool["gen_ai.conversation.id"] == event["gen_ai.conversation.id"]
    assert tool["attribution.actor"] == "tool_child"


def test_a_name_alone_is_no_agent_but_its_config_directory_confirms_it(tape: Any) -> None:
    assert who(tape.exec("p", "/home/u/bin/codex")) == (None, "none", "unknown")
    event = tape.file("open", "p", "/home/u/.codex/config.toml")
    assert event["gen_ai.agent.name"] == "codex"


def test_a_session_told_after_its_agent_was_recognised_is_one_session(tape: Any) -> None:
    tape.exec("root", CODEX)
    tape.spawn("root", "sh", "bash", "-c", "x")
    tape.session("s1", "root")
    assert tape.file("open", "sh", "/x")["gen_ai.conversation.id"] == "s1"


def test_an_unknown_agent_is_known_by_what_it_does_with_less_confidence(tape: Any) -> None:
    tape.exec("p", "/opt/own-agent")
    tape.spawn("p", "early", "ls")
    tape.connect("p", "api.openai.com")
    event = tape.spawn("p", "sh", "bash", "-c", "ls")
    assert event["gen_ai.agent.name"] == "unknown"
    assert event["attribution.actor"] == "tool_child"
    assert event["attribution.confidence"] <= 0.5


def test_an_agent_started_by_an_agent_keeps_the_outer_session_and_call(session: Any) -> None:
    session.call("c1", "gemini -p hi")
    session.spawn("root", "sh", "bash", "-c", "gemini -p hi")
    inner = session.spawn(
        "sh", "inner", "/usr/bin/node", "/usr/lib/node_modules/@google/gemini-cli/dist/index.js"
    )
    assert inner["gen_ai.agent.name"] == "gemini-cli"
    assert inner["gen_ai.conversation.id"] == "s1"
    assert who(inner) == ("c1", "harness_event", "tool_child"), "the outer agent's tool started it"
    tool = session.spawn("inner", "tool", "bash", "-c", "id")
    assert (tool["gen_ai.agent.name"], tool["attribution.actor"]) == ("gemini-cli", "tool_child")
    assert tool["gen_ai.conversation.id"] == "s1"


def test_a_wrapper_between_root_and_agent_is_the_agent_by_its_told_name(tape: Any) -> None:
    tape.exec("root", "nsenter", "--target=1")
    tape.session()
    tape.spawn("root", "node", "/usr/bin/env", "node", "/home/u/.bin/codex", "exec")
    event = tape.exec("node", "/usr/bin/node", "/home/u/.bin/codex", "exec")
    assert event["attribution.actor"] == "agent"
    assert tape.spawn("node", "sh", "bash", "-c", "x")["attribution.actor"] == "tool_child"


def test_a_package_script_that_starts_an_agent_stays_a_package_script(session: Any) -> None:
    session.call("c1", "npm install x")
    session.spawn("root", "npm", "npm", "install", "x")
    inner = session.spawn("npm", "inner", "node", "/usr/lib/node_modules/@google/gemini-cli/dist/index.js")
    assert (inner["attribution.actor"], inner["gen_ai.agent.name"]) == ("package_script", "gemini-cli")


def test_calls_of_subagents_at_once_are_told_apart_by_command(session: Any) -> None:
    session.call("a1", "make lint", gen_ai__agent__name="sub-a")
    session.call("b1", "make docs", gen_ai__agent__name="sub-b")
    assert who(session.spawn("root", "y", "bash", "-c", "make docs"))[0] == "b1"
    assert who(session.spawn("root", "x", "bash", "-c", "make lint"))[0] == "a1"


def test_an_agents_wrapper_is_the_agent(tape: Any) -> None:
    tape.exec("root", "bash", "start.sh")
    tape.session()
    event = tape.spawn("root", "real", "/usr/bin/node", "/usr/lib/node_modules/@openai/codex/bin/codex.js")
    assert event["attribution.actor"] == "agent"
    assert tape.spawn("real", "tool", "ls")["attribution.actor"] == "tool_child"


SERVER = ("/usr/bin/python3", "/srv/notes_mcp_server.py")


def test_an_mcp_servers_work_is_the_running_mcp_calls(session: Any) -> None:
    started = session.spawn("root", "server", *SERVER)
    assert who(started) == (None, "ancestry", "mcp_server")
    session.call("c1", tool="read_note", mcp__server__name="notes")
    assert who(session.file("open", "server", "/x")) == ("c1", "timing", "mcp_server")
    session.result("c1")
    assert who(session.file("open", "server", "/x")) == (None, "ancestry", "mcp_server")


def test_an_mcp_server_started_before_the_session_is_known_by_timing_only(tape: Any) -> None:
    tape.exec("server", *SERVER)
    tape.exec("root", CODEX)
    tape.session()
    assert "gen_ai.conversation.id" not in tape.file("open", "server", "/x")
    tape.call("c1", tool="read_note", mcp__server__name="notes")
    event = tape.file("open", "server", "/x")
    assert (event["gen_ai.conversation.id"], *who(event)) == ("s1", "c1", "timing", "mcp_server")


def test_two_sessions_using_a_server_at_once_are_not_guessed_between(tape: Any) -> None:
    tape.exec("server", "/usr/bin/node", "/srv/mcp-server.js")
    for session in ("s1", "s2"):
        tape.exec(f"root-{session}", CODEX)
        tape.session(session, f"root-{session}")
        tape.call(f"c-{session}", session=session, mcp__server__name="notes")
    assert "gen_ai.tool.call.id" not in tape.file("open", "server", "/x")


@pytest.mark.parametrize(
    ("chain", "actor"),
    [
        ([("npm", "install"), ("sh", "-c", "node build.js"), ("node", "build.js")], "package_script"),
        ([("/usr/bin/python3", "-m", "pytest", "-q"), ("git", "status")], "test_runner"),
        ([("tmux",), ("bash",)], "tool_child"),
    ],
)
def test_what_a_tool_starts_has_its_own_kind_of_actor(session: Any, chain: list[Any], actor: str) -> None:
    session.spawn("root", "n", "bash", "-c", "x")
    parent = "n"
    for number, args in enumerate(chain):
        event = session.spawn(parent, f"n{number}", *args)
        parent = f"n{number}"
    assert event["attribution.actor"] == actor


def test_outside_sessions_a_terminal_is_a_developers_and_an_extension_host_an_editors(tape: Any) -> None:
    tape.exec("tmux", "/usr/bin/tmux")
    assert tape.spawn("tmux", "vi", "vi")["attribution.actor"] == "developer"
    tape.exec("code", "/usr/share/code/code", "--type=extensionHost")
    assert tape.spawn("code", "lint", "eslint")["attribution.actor"] == "editor_extension"


def test_what_the_event_says_is_kept(session: Any) -> None:
    event = session.file(
        "open",
        "root",
        "/x",
        attribution__method="timing",
        attribution__actor="developer",
        gen_ai__agent__name="x",
    )
    assert (event["attribution.actor"], event["gen_ai.agent.name"]) == ("developer", "x")


def test_a_snapshot_carries_sessions_calls_and_shared_scopes(session: Any, agents: dict[str, Any]) -> None:
    session.call("c1", "make test")
    session.spawn("root", "sh", "bash", "-c", "make test")
    session.fork("sh", "child")
    before = Attribution(agents)
    after = Attribution(agents)
    for event in session.events:
        before.apply(dict(event))
    after.restore(cbor2.loads(cbor2.dumps(before.snapshot(), canonical=True)))
    assert after.snapshot() == before.snapshot()
    event = {"@timestamp": session.now, "event.category": "file", "event.action": "open"}
    event |= {"process.entity_id": "child"}
    after.apply(event)
    assert who(event)[:2] == ("c1", "harness_event")


ACTIONS = ["process/fork", "process/exec", "process/exit", "file/open", "network/connect"]
TOLD = ["session_start", "prompt", "tool_call", "tool_result", "session_end"]


STREAMS = st.lists(
    st.tuples(
        st.sampled_from([*ACTIONS, *(f"agent/{action}" for action in TOLD)]),
        st.integers(1, 5),
        st.integers(1, 5),
        st.sampled_from(["", "s1", "s2"]),
        st.sampled_from([CODEX, "bash", "/x/mcp-server", "npm", "{", '{"command":[1]}']),
    )
)
Steps = list[tuple[str, int, int, str, str]]


def stream(steps: Steps) -> Iterator[dict[str, Any]]:
    for time, (kind, pid, target, session, text) in enumerate(steps):
        category, _, action = kind.partition("/")
        event: dict[str, Any] = {"@timestamp": time, "event.category": category, "event.action": action}
        event |= {"process.entity_id": f"e{pid}", "process.parent.entity_id": f"e{target}"}
        event |= {
            "process.target.entity_id": f"e{target}",
            "process.args": [text],
            "process.executable": text,
        }
        event |= {"gen_ai.tool.call.arguments": text, "process.env_vars": [f"CODEX_TOOL_CALL_ID={target}"]}
        event |= {"gen_ai.conversation.id": session} if session else {}
        yield event


@given(STREAMS)
def test_any_stream_is_taken_and_state_stays_bounded(agents: dict[str, Any], steps: Steps) -> None:
    attribution = Attribution(agents, max_processes=3, max_sessions=2)
    for event in stream(steps):
        given_values = dict(event)
        attribution.apply(event)
        assert given_values.items() <= event.items()
        assert 0 <= event.get("attribution.confidence", 0) <= 1
        state = attribution.snapshot()
        assert len(state["members"]["members"]) <= 3
        assert len(state["runs"]["runs"]) <= 2


@given(STREAMS)
def test_what_is_remembered_of_a_process_is_what_would_be_said_anew(
    agents: dict[str, Any], steps: Steps
) -> None:
    attribution = Attribution(agents)
    for event in stream(steps):
        restarted = attribution.anew()
        restarted.restore(attribution.snapshot())
        again = dict(event)
        attribution.apply(event)
        restarted.apply(again)
        assert again == event
