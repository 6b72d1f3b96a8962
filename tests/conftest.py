"""Tests of what a machine may not have run wherever `workbench doctor` finds that it has it.

`live` needs the kernel source, `means("landlock")` what doctor calls so. A test that says so and skips all
the same, although doctor finds that it works, has failed: a means that stops working is noticed.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import typer
from hypothesis import settings

from capture.doctor import obstacle
from workbench.cli import build

settings.register_profile("workbench", deadline=None)  # a busy machine is not a fault
settings.load_profile("workbench")


def live_obstacle() -> str | None:
    """Why the kernel cannot be traced here, found by trying once."""
    return obstacle("bcc")


def needed(item: pytest.Item) -> list[str]:
    """Name what a test needs, as doctor does."""
    live = ["bcc"] if item.get_closest_marker("live") else []
    return live + [name for mark in item.iter_markers("means") for name in mark.args]


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
    for item in items:
        for name in needed(item):
            if reason := obstacle(name):
                item.add_marker(pytest.mark.skip(reason=f"{name}: not possible here, because {reason}"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    said = [item.get_closest_marker(name) for name in ("skip", "skipif", "downloads")]
    if report.skipped and not hasattr(report, "wasxfail") and needed(item) and not any(said):
        report.outcome = "failed"
        report.longrepr = f"skipped, although {', '.join(needed(item))} works here: {report.longrepr[2]}"
    return report


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
    if not live.selected and not config.getoption("--require-live"):
        return
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
