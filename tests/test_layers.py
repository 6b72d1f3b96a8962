"""Imports go downward only, and the scorer stays small."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# A module may import from its own layer and those below it; the first match names the layer.
LAYERS = {
    "workbench.event": 0,
    "workbench.fields": 0,
    "workbench.errors": 0,
    "workbench.files": 0,
    "workbench.yaml_text": 0,
    "workbench.printable": 0,
    "workbench.procfs": 0,
    "workbench.output": 0,
    "workbench.scorer": 1,
    "workbench.registry": 1,
    "workbench.baseline": 2,
    "workbench.rule": 2,
    "workbench.pack": 2,
    "workbench.dataset": 2,
    "capture": 3,
    "workbench.evaluate": 4,
    "workbench.sensor": 4,
    "workbench.nb": 5,
    "workbench.cli": 5,
    "workbench.demo": 5,
    "workbench": 5,
}

HEAVY = ("pandas", "pyarrow", "river", "sklearn", "sigma", "plotly", "numpy", "duckdb")


def layer(module: str) -> int:
    while module not in LAYERS:
        module, _, tail = module.rpartition(".")
        assert tail, "every module has a layer"
    return LAYERS[module]


def modules() -> list[Path]:
    return sorted(file for top in ("workbench", "capture") for file in (ROOT / top).rglob("*.py"))


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def name_of(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


SOURCES = ("capture.bcc", "capture.strace", "capture.formats")


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_of_events_knows_no_other(source: str) -> None:
    others = tuple(f"{other}." for other in SOURCES if other != source)
    mine = [file for file in modules() if name_of(file).startswith(source)]
    assert [file for file in mine for target in imports(file) if target.startswith(others)] == []


@pytest.mark.parametrize("file", modules(), ids=name_of)
def test_imports_go_downward(file: Path) -> None:
    mine = name_of(file)
    for target in imports(file):
        if not target.startswith(("workbench", "capture")):
            continue
        assert layer(target) <= layer(mine), f"{mine} imports {target}, which lies above it"
        if mine.startswith("workbench.") and target.startswith("capture"):
            assert mine.startswith(("workbench.sensor", "workbench.cli")), f"{mine} imports {target}"
            assert target.startswith("capture.source"), f"{mine} reaches past capture.source to {target}"
        if mine.startswith("capture"):
            assert layer(target) == 0 or target.startswith(("workbench.dataset", "capture")), (
                f"{mine} imports {target}: capture knows the vocabulary and dataset only"
            )


def test_the_scorer_imports_nothing_heavy() -> None:
    found = f"' '.join(module for module in {HEAVY!r} if module in sys.modules)"
    code = f"import sys, workbench.scorer; sys.exit({found} or None)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, f"workbench.scorer imports {run.stderr.strip()}"


def test_files_stay_short() -> None:
    long = {name_of(file): n for file in modules() if (n := len(file.read_text().splitlines())) > 400}
    assert not long
