"""The demo goes the whole way, live where it can and on shipped recordings elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.cli import run

ROOT = Path(__file__).parents[2]
ARTEFACTS = ("agent-runtime.pack", "backtest.json", "baseline.json")


@pytest.fixture(autouse=True)
def _checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(ROOT)


def work_of(out: Path) -> Path:
    (work,) = (path for path in out.iterdir() if path.is_dir())
    return work


@pytest.mark.slow
def test_without_live_capture_it_says_so_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["demo", "--no-live", "--out", str(tmp_path / "demo")]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "live capture: not possible here, because --no-live was given" in shown
    assert "one byte changed, and it is refused: changed after it was signed" in shown
    assert "findings equal the backtest's, event for event" in shown
    assert "nothing above audit on the benign run" in shown
    assert all((work_of(tmp_path / "demo") / name).is_file() for name in ARTEFACTS)


@pytest.mark.slow
@pytest.mark.live
def test_live_it_catches_the_exfiltration_it_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["demo", "--out", str(tmp_path / "demo")]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "The exfiltration was caught" in shown
    assert "(findings: 1 drift, 2 pattern)" in shown
    recorded = work_of(tmp_path / "demo") / "recordings"
    assert sorted(path.name for path in recorded.iterdir()) == ["fix-failing-test", "secret-to-egress"]
