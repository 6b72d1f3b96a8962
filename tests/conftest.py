"""Tests of what a machine may not have run wherever `workbench doctor` finds that it has it.

`live` needs the kernel source, `means("landlock")` what doctor calls so. A test that says so and skips all
the same, although doctor finds that it works, has failed: a means that stops working is noticed.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator

import pytest
import typer
from hypothesis import settings

from capture.doctor import obstacle
from workbench.cli.app import build

settings.register_profile("workbench", deadline=None)  # a busy machine is not a fault
settings.load_profile("workbench")


def live_obstacle() -> str | None:
    """Why the kernel cannot be traced here, found by trying once."""
    return obstacle("bcc")


def needed(item: pytest.Item) -> list[str]:
    """Name what a test needs, as doctor does."""
    live = ["bcc"] if item.get_closest_marker("live") else []
    return live + [name for mark in item.iter_markers("means") for name in mark.args]


# Tests that a machine may not allow, by marker: a line for each, at the end of a run, tells whether they ran.
KINDS = {
    "live": "live capture",
    "downloads": "harnesses and servers of the package indexes",
    "browser": "JupyterLab in a browser",
}


def reports(config: pytest.Config, outcome: str, marker: str) -> list[pytest.TestReport]:
    """Give the reports of tests with a marker that came out so, of all workers."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return [one for one in reporter.stats.get(outcome, []) if marker in one.keywords] if reporter else []


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-live", action="store_true", help="fail when live capture was possible and did not run"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        # With several workers, one traces the kernel while the others take file after file.
        kind = "live" if item.get_closest_marker("live") else item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(kind))
    for item in items:
        for name in needed(item):
            if reason := obstacle(name):
                item.add_marker(pytest.mark.skip(reason=f"{name} does not work here: {reason}"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    said = [item.get_closest_marker(name) for name in ("skip", "skipif", "downloads")]
    if report.skipped and not hasattr(report, "wasxfail") and needed(item) and not any(said):
        report.outcome = "failed"
        report.longrepr = f"skipped, although {', '.join(needed(item))} works here: {report.longrepr[2]}"
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):  # one of several workers, which ran only some
        return
    required = session.config.getoption("--require-live") and session.exitstatus == pytest.ExitCode.OK
    if required and not reports(session.config, "passed", "live") and live_obstacle() is None:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for marker, name in KINDS.items():
        passed, skipped, failed = (
            reports(config, outcome, marker) for outcome in ("passed", "skipped", "failed")
        )
        if passed:
            told = f"ran ({len(passed)} of {len(passed + skipped + failed)} tests passed)"
        elif marker == "live" and (skipped or failed or config.getoption("--require-live")):
            reason = live_obstacle()
            told = f"not possible here, because {reason}" if reason else "possible here, but no live test ran"
        elif skipped:
            assert isinstance(skipped[0].longrepr, tuple)
            told = f"not possible here, because {skipped[0].longrepr[2].removeprefix('Skipped: ')}"
        else:
            continue
        terminalreporter.write_line(f"{name}: {told}")


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
