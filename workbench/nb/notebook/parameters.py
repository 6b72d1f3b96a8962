"""A notebook's parameters: one tagged cell of literal defaults; unknown and ill-typed ones are refused."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat

from workbench.errors import InputError, Place


def read_parameters(path: Path, notebook: nbformat.NotebookNode) -> dict[str, Any]:
    """Give the defaults of the one `parameters` cell; raises InputError when they are not literals."""
    cells = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    if len(cells) != 1:
        raise InputError(
            f"{len(cells)} cells are tagged parameters", place=path, mend="tag exactly one code cell"
        )
    defaults: dict[str, Any] = {}
    for node in ast.parse(cells[0].source).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                pass
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                pass
            case _:
                raise InputError(
                    "the parameters cell holds more than assignments",
                    place=Place(str(path), node.lineno),
                    mend="keep code out of it",
                )
        try:
            defaults[name] = ast.literal_eval(value)
        except ValueError:
            raise InputError(
                f"the default of {name} is not a literal",
                place=Place(str(path), node.lineno),
                mend="give a plain value and compute from it in the next cell",
            ) from None
    return defaults


def check_parameters(path: Path, defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Give `given` once every name is known and every type is its default's; raises InputError."""
    faults = [f"no parameter {name!r}" for name in given if name not in defaults]
    checked = {}
    for name, value in given.items():
        if name in defaults:
            wanted = type(defaults[name])
            fits = type(value) is wanted or (wanted is float and type(value) is int) or wanted is type(None)
            if not fits:
                faults.append(f"{name} wants {wanted.__name__}, not {type(value).__name__} {value!r}")
            checked[name] = float(value) if wanted is float and fits else value
    if faults:
        raise InputError("; ".join(faults), place=path, mend=f"it takes {', '.join(defaults) or 'none'}")
    return checked


def parse_assignment(text: str) -> tuple[str, Any]:
    """Read `name=value`, the value a Python literal or else a plain string.

    >>> parse_assignment("sessions=5"), parse_assignment("dataset=datasets/quickstart")
    (('sessions', 5), ('dataset', 'datasets/quickstart'))
    """
    name, found, value = text.partition("=")
    if not found or not name.isidentifier():
        raise InputError(f"not name=value: {text!r}", mend="write it as -p sessions=5")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value
