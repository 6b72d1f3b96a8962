"""The weights of the four signals that a pack may carry."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec

from workbench.errors import InputError
from workbench.scorer.verdict import Weights


class _Fusion(msgspec.Struct, omit_defaults=True):
    bias: float
    weights: Weights
    alert: Annotated[float, msgspec.Meta(ge=0, le=100)] | None = None
    block: Annotated[float, msgspec.Meta(ge=0, le=100)] | None = None
    block_confidence: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None


def read_fusion(file: Path) -> dict[str, Any]:
    """Read weights as `workbench calibrate` writes them; raises InputError naming what is wrong."""
    try:
        found: dict[str, Any] = msgspec.to_builtins(msgspec.json.decode(file.read_bytes(), type=_Fusion))
    except (OSError, msgspec.MsgspecError) as error:
        mend = "write it with `workbench calibrate`"
        raise InputError(f"not weights of the four signals: {error}", place=file, mend=mend) from None
    return found
