"""Unknown and ill-typed notebook parameters are refused, all of them at once."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from workbench.errors import GateError, InputError
from workbench.nb.notebook.parameters import check_parameters, read_parameters
from workbench.nb.notebook.runner import run

NOTEBOOK = Path("x.ipynb")


def notebook(*cells: str, tagged: int = 0) -> nbformat.NotebookNode:
    made = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in cells],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    made.cells[tagged].metadata["tags"] = ["parameters"]
    return made


def test_defaults_are_read_without_running_them() -> None:
    assert read_parameters(NOTEBOOK, notebook("events = 5\nname: str = 'x'")) == {"events": 5, "name": "x"}


def test_all_faults_are_told_together() -> None:
    with pytest.raises(InputError, match=r"no parameter 'evnts'; rate wants float, not str 'fast'"):
        check_parameters(NOTEBOOK, {"events": 5, "rate": 1.0}, {"evnts": 6, "rate": "fast"})


def test_an_integer_will_do_for_a_float_and_a_boolean_not_for_an_integer() -> None:
    assert check_parameters(NOTEBOOK, {"rate": 1.0}, {"rate": 2}) == {"rate": 2.0}
    with pytest.raises(InputError, match="wants int, not bool"):
        check_parameters(NOTEBOOK, {"events": 5}, {"events": True})


@pytest.mark.parametrize("source", ["import os", "x = open('y')", "x, y = 1, 2"])
def test_code_in_the_parameters_cell_is_refused(source: str) -> None:
    with pytest.raises(InputError, match=r"x\.ipynb:1: "):
        read_parameters(NOTEBOOK, notebook(source))


# The parameters papermill injects are a cell of their own, hence [4].
def test_a_failing_cell_fails_the_run_and_keeps_the_copy(tmp_path: Path) -> None:
    path = tmp_path / "n.ipynb"
    nbformat.write(notebook("limit = 3", "import os; print(os.getcwd())", "assert limit > 5"), path)
    with pytest.raises(GateError, match=r"cell \[4\] failed: AssertionError"):
        run(path, tmp_path / "out", {"limit": 4})
    kept = (tmp_path / "out" / "n.ipynb").read_text()
    assert "limit = 4" in kept
    assert str(tmp_path) not in kept
    assert "AssertionError" in (tmp_path / "out" / "n.html").read_text()


def test_the_page_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "n.ipynb"
    nbformat.write(notebook("limit = 3", "limit"), path)
    run(path, tmp_path / "out")
    page = (tmp_path / "out" / "n.html").read_text()
    assert "<script src=" not in page
    assert "cdnjs" not in page
