"""Weights learnt from labelled sessions, and how far they can be trusted."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest

from workbench.cli import run
from workbench.errors import InputError
from workbench.evaluate.calibration import Calibration, Example, as_fusion, calibrate
from workbench.pack.fusion import read_fusion
from workbench.scorer.verdict import FUSION

ROOT = Path(__file__).parents[2]


def sessions(count: int, *, seed: int = 1) -> list[Example]:
    """Sessions where `pattern` tells, `intrinsic` tells a little, and `drift` leans to benign."""
    rng = random.Random(seed)
    found = []
    for number in range(count):
        malicious = number % 4 == 0
        risks = {
            "pattern": rng.uniform(0.5, 1) if malicious else rng.uniform(0, 0.3),
            "intrinsic": rng.uniform(0.2, 1) if malicious else rng.uniform(0, 0.8),
            "drift": rng.uniform(0, 0.4) if malicious else rng.uniform(0.2, 0.9),
        }
        found.append(Example(recording=f"run-{number:04}", malicious=malicious, risks=risks))
    return found


@pytest.fixture(scope="module")
def fitted() -> Calibration:
    return calibrate(sessions(400))


def test_a_signal_that_tells_more_weighs_more(fitted: Calibration) -> None:
    assert fitted.weights["pattern"] > fitted.weights["intrinsic"] > 0


def test_no_weight_is_negative(fitted: Calibration) -> None:
    assert fitted.weights["drift"] == 0


def test_a_signal_that_no_session_showed_keeps_its_weight(fitted: Calibration) -> None:
    assert fitted.unseen == ["compliance"]
    assert fitted.weights["compliance"] == FUSION["weights"]["compliance"]


def test_the_report_is_of_sessions_held_out(fitted: Calibration) -> None:
    assert 0 < fitted.brier < 0.1
    assert sum(one.count for one in fitted.reliability) == fitted.sessions == 400
    assert fitted.malicious == 100
    assert not fitted.few


def test_the_order_of_sessions_does_not_matter(fitted: Calibration) -> None:
    assert calibrate(reversed(sessions(400))) == fitted


def test_few_sessions_are_told() -> None:
    assert calibrate(sessions(40)).few


def test_one_kind_of_session_is_refused() -> None:
    benign = [example for example in sessions(40) if not example.malicious]
    with pytest.raises(InputError, match="0 malicious and 30 benign"):
        calibrate(benign)


def test_a_pack_takes_what_was_fitted(fitted: Calibration, tmp_path: Path) -> None:
    file = tmp_path / "fusion.json"
    file.write_bytes(msgspec.json.encode(as_fusion(fitted)))
    assert read_fusion(file) == {"bias": fitted.bias, "weights": fitted.weights}


@pytest.mark.parametrize(
    "text", ["", "[]", '{"bias": 1}', '{"bias": 1, "weights": {"pattern": -1, "intrinsic": 0}}']
)
def test_a_pack_refuses_what_is_no_fusion(text: str, tmp_path: Path) -> None:
    (tmp_path / "f").write_text(text)
    with pytest.raises(InputError, match="not weights of the four signals"):
        read_fusion(tmp_path / "f")


def test_the_command_calibrates_on_recordings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "fusion.json"
    dataset = str(ROOT / "datasets/quickstart")
    assert run(["calibrate", str(ROOT / "rules"), dataset, "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert "12 sessions, 3 of them malicious" in told
    assert "too few sessions" in told
    assert set(read_fusion(out)["weights"]) == set(FUSION["weights"])
