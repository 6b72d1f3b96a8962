"""Attribution with the environment left unread, judged live by the call ids that codex puts into it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.attribution.diagram import reliability_svg
from capture.lab.run import run_scenario
from capture.source import why_not
from workbench.evaluate.attribution import Judgement, Reliability, judge, reliability

AGENT, CALLS = "codex", 200
SCENARIOS = (
    "add-feature-node",
    "add-feature-python",
    "build-c",
    "bump-node-dependency",
    "fix-failing-test",
    "migrate-database",
    "query-database",
    "rebase-and-push",
    "serve-and-test",
    "secret-to-egress",
    "secret-to-egress-benign",
    "test-tamper",
)
SEEDS = range(1, 6)
DIAGRAM = Path(__file__).parents[2] / "docs" / "images" / "reliability.svg"


@pytest.fixture(scope="module")
def judgements(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> list[Judgement]:
    """Record run after run, each scenario once before any twice, until there are calls enough."""
    if reason := why_not("bcc"):
        pytest.skip(f"live capture: not possible here, because {reason}")
    base = tmp_path_factory.mktemp("attribution")
    say = _printer(request)
    found: list[Judgement] = []
    began = time.monotonic()
    for seed in SEEDS:
        for scenario in SCENARIOS:
            recording = run_scenario(scenario, AGENT, base / f"{scenario}-{seed}", source="bcc", seed=seed)
            assert recording.session.loss.dropped == 0
            found += judge(recording.events())
            calls = len({(one.session, one.true) for one in found})
            say(f"{time.monotonic() - began:6.0f} s  {scenario:24} seed {seed}  {calls:4} calls")
            if calls >= CALLS:
                return found
    return found


def test_reliability_without_the_environment(
    judgements: list[Judgement], request: pytest.FixtureRequest
) -> None:
    """Print the table, draw the diagram, hold both to their bars."""
    report = reliability(judgements)
    assert report is not None
    say = _printer(request)
    runs = len({one.session for one in judgements})
    say(f"\n{AGENT}: {runs} runs, {report.calls} tool calls, {report.events:,} events, environment unread")
    for line in _table(report):
        say(line)
    title = f"Reliability of attribution over {report.calls} tool calls of {AGENT}, environment unread"
    DIAGRAM.write_text(reliability_svg(report, title))
    assert report.calls >= CALLS
    assert report.accuracy >= 0.95
    assert report.brier <= 0.05


def _table(report: Reliability) -> list[str]:
    return [
        f"events for which a call was named   {report.coverage:.4f}",
        f"of those right                      {report.accuracy:.4f}",
        f"calls mostly right                  {report.calls_accuracy:.4f}",
        f"Brier score                         {report.brier:.4f}",
        f"calibration error                   {report.calibration_error:.4f}",
        f"\n{'method':16}{'said':>8}{'right':>8}{'events':>10}",
        *(
            f"{method:16}{bar.predicted:8.3f}{bar.observed:8.3f}{bar.count:10,}"
            for method, bar in report.by_method.items()
        ),
        f"\n{'bin':16}{'said':>8}{'right':>8}{'events':>10}",
        *(
            f"{number:<16}{bar.predicted:8.3f}{bar.observed:8.3f}{bar.count:10,}"
            for number, bar in enumerate(report.bins, start=1)
        ),
    ]


def _printer(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Give a way past pytest's capture, which begins anew for each test."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def say(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(line, flush=True)

    return say
