"""Every notebook is committed stripped and runs top to bottom on shipped data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.manager import KernelManager

from workbench.errors import GateError
from workbench.nb.notebook.kernel import open_kernel
from workbench.nb.notebook.parameters import read_parameters
from workbench.nb.notebook.runner import load, run

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_committed_stripped(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    assert not {"widgets", "papermill"} & set(notebook.metadata)
    assert notebook.metadata.kernelspec.name == "python3"
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert not cell.outputs
            assert cell.execution_count is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_has_literal_parameters(path: Path) -> None:
    assert read_parameters(path, load(path))


@pytest.fixture(scope="module")
def kernel() -> Iterator[KernelManager]:
    with open_kernel(NOTEBOOKS[0].parent) as opened:
        yield opened


# What a busy machine can hold; the defaults are for a person's own.
FEWER: dict[str, dict[str, Any]] = {
    "10_record_and_review_a_run": {"source": "strace"},
    "60_validate_a_pack": {"without": []},
    "80_fleet_backtest_on_dask": {"events": 4_000, "engines": ["local", "dask"]},
    "90_latency_gate": {"events": 5_000, "limit_us": 1_000_000.0},
    "95_attribution_calibration": {"runs": 4},
}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(path: Path, tmp_path: Path, kernel: KernelManager) -> None:
    run(path, tmp_path, FEWER.get(path.stem), kernel)
    page = path.with_suffix(".html").name
    assert (tmp_path / page).stat().st_size > 10_000
    written = (tmp_path / path.name).read_text() + (tmp_path / page).read_text()
    assert str(path.parents[1]) not in written


@pytest.mark.slow
def test_the_latency_gate_fails_past_its_limit(tmp_path: Path, kernel: KernelManager) -> None:
    gate = next(path for path in NOTEBOOKS if path.stem == "90_latency_gate")
    with pytest.raises(GateError, match=r"p99\.9 is .* the limit is 0\.001"):
        run(gate, tmp_path, {"events": 500, "limit_us": 0.001}, kernel)
