"""Evidence: the digests of what went into a pack."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

from workbench.rule.ruleset import RuleSet


def digests(ruleset: RuleSet, baselines: Iterable[Path] = ()) -> dict[str, Any]:
    """Give the SHA-256 of each rule file by rule id, and of each baseline by file name."""
    files = {rule.id: Path(rule.document.path) for rule in ruleset.rules}
    return {
        "rules": {name: _digest(file) for name, file in files.items() if file.is_file()},
        "baselines": {file.name: _digest(file) for file in baselines},
    }


def _digest(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest()
