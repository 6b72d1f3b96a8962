"""Where the rules and the datasets are, seen from a notebook in any directory of the checkout."""

from __future__ import annotations

from pathlib import Path

from workbench.errors import InputError

DATASET = "datasets/quickstart"


def find(path: Path | str) -> Path:
    """Give `path` as it is, or as it lies in a directory above; raises InputError when there is none."""
    wanted = Path(path)
    for base in (Path(), *Path.cwd().parents):
        if (base / wanted).exists():
            return base / wanted
    raise InputError("no such file or directory", place=wanted, mend="give its path with --on or --rules")
