"""Frozen baselines on disk: plain data, so that what reads them needs no river."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from workbench.errors import InputError
from workbench.files import write_aside
from workbench.scorer.enrich.drift_past import FROZEN_VERSION


def save(path: Path, frozen: list[dict[str, Any]]) -> None:
    """Write frozen baselines as JSON, aside and then in place."""
    write_aside(path, msgspec.json.encode(frozen, order="sorted"))


def load(path: Path) -> list[dict[str, Any]]:
    """Read frozen baselines; raises InputError when the file holds none of this version."""
    try:
        frozen = msgspec.json.decode(path.read_bytes(), type=list[dict[str, Any]])
    except (OSError, msgspec.MsgspecError) as error:
        raise InputError(
            f"not a baseline: {error}", place=path, mend="fit it with `workbench baseline fit`"
        ) from None
    if any(item.get("version") != FROZEN_VERSION for item in frozen):
        raise InputError(
            "a baseline of another version", place=path, mend="fit it again with `workbench baseline fit`"
        )
    return frozen
