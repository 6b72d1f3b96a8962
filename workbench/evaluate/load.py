"""From what a user names, rules or a pack, to the payload that is scored."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from workbench.baseline import frozen
from workbench.errors import InputError
from workbench.pack import build_payload
from workbench.pack.keys import trusted_keys
from workbench.registry import load_all
from workbench.rule import load
from workbench.scorer.payload import open_pack


def load_payload(path: Path, *, baseline: Path | None = None, trust: Sequence[Path] = ()) -> bytes:
    """Give the payload of a pack, once verified, or of rules as they would be packed."""
    if not path.exists():
        raise InputError("no such file or directory", place=path, mend="give rules or a .pack")
    if path.suffix == ".pack":
        return open_pack(path, trusted_keys(list(trust)))
    return build_payload(
        load([path]),
        name=path.stem,
        version="0",
        baselines=frozen.load(baseline) if baseline else (),
        registries=load_all(),
    )
