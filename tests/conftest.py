"""Live tests run wherever eBPF loads, and the session says whether they did."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
import typer
from hypothesis import settings

from capture.source import why_not
from workbench.cli import build

settings.register_profile("workbench", deadline=None)  # a busy machine is not a fault
settings.load_profile("workbench")


@cache
def live_obstacle() -> str | None:
    """Why the kernel cannot be traced here, found by trying once."""
    return why_not("bcc")


class Live:
    """Counts the live tests that really ran."""

    def __init__(self) -> None:
        self.selected = self.ran = 0


LIVE = pytest.StashKey[Live]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-live", action="store_true", help="fail when live capture was possible and did not run"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LIVE] = Live()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        # With several workers, one traces the kernel while the others take file after file.
        kind = "live" if item.get_closest_marker("live") else item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(kind))
    live = [item for item in items if item.get_closest_marker("live")]
    config.stash[LIVE].selected = len(live)
    if live and (reason := live_obstacle()):
        for item in live:
            item.add_marker(pytest.mark.skip(reason=f"live capture: not possible here, because {reason}"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    result = yield
    if item.get_closest_marker("live"):
        item.config.stash[LIVE].ran += 1
    return result


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add up what the workers ran: each selects all tests, and runs some."""
    live = node.config.stash[LIVE]
    live.selected, ran = node.workeroutput.get("live", (live.selected, 0))
    live.ran += ran


def pytest_sessionfinish(session: pytest.Session) -> None:
    live = session.config.stash[LIVE]
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["live"] = (live.selected, live.ran)
        return
    required = session.config.getoption("--require-live") and session.exitstatus == pytest.ExitCode.OK
    if required and not live.ran and live_obstacle() is None:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    live = config.stash[LIVE]
    if live.ran:
        terminalreporter.write_line(f"live capture: ran ({live.ran} of {live.selected} tests passed)")
    elif reason := live_obstacle():
        terminalreporter.write_line(f"live capture: not possible here, because {reason}")
    else:
        terminalreporter.write_line("live capture: possible here, but no live test ran")


@pytest.fixture(scope="session")
def parse() -> Callable[..., None]:
    """Parse a line that some text shows, without running it; only its verb and options when not `whole`."""
    top = typer.main.get_command(build())

    def check(line: str, *, whole: bool = True) -> None:
        words = shlex.split(line, comments=True)[1:]
        command = top
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        if whole:
            command.make_context("workbench", words)
            return
        known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)} | {"--help"}
        given = words[: words.index("--")] if "--" in words else words
        for word in given:
            assert not word.startswith("--") or word.partition("=")[0] in known, f"{line}: no option {word}"
        assert (
            not hasattr(command, "commands") or not words or not words[0].isalpha() or words[0].isupper()
        ), f"{line}: no such verb"

    return check
