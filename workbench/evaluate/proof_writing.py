"""Writes into rule files what recordings prove of each rule: its status, recordings and twins."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from workbench.errors import InputError
from workbench.evaluate.proof import RuleProof
from workbench.files import write_aside
from workbench.rule.ruleset import RuleSet

_WRITTEN = re.compile(r"^  (recordings|twins): \[.*\]\n", re.MULTILINE)
_STATUS = re.compile(r"^status: .*$", re.MULTILINE)


def write_into_rules(rules: RuleSet, proofs: Mapping[str, RuleProof]) -> list[Path]:
    """Write the proofs into the files of their rules; give the files that changed.

    Raises InputError, before anything is written, for a file whose form is not the one we write: `status` on
    a line of its own and `workbench:` the last key, in block style.
    """
    changed: dict[Path, str] = {}
    for file in sorted({Path(rule.document.path) for rule in rules.rules}):
        text = file.read_text(encoding="utf-8")
        parts = re.split(r"^---\n", text, flags=re.MULTILINE)
        written = "---\n".join(_document(part, proofs, file) for part in parts)
        if written != text:
            changed[file] = written
    for file, written in changed.items():
        write_aside(file, written.encode())
    return list(changed)


def _document(text: str, proofs: Mapping[str, RuleProof], file: Path) -> str:
    before = yaml.safe_load(text)
    proof = proofs.get(str((before or {}).get("id")))
    if proof is None:
        return text
    text = _STATUS.sub(f"status: {proof.maturity}", _WRITTEN.sub("", text))
    text = text.rstrip("\n") + "\n"
    for key in ("recordings", "twins"):
        if names := getattr(proof, key):
            text += f"  {key}: [{', '.join(names)}]\n"
    if _read(text) != _proved(before, proof):
        mend = "give it `status:` on a line of its own, and `workbench:` last with its keys below"
        raise InputError(f"{proof.title!r} cannot be rewritten", place=file, mend=mend)
    return text


def _read(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return None


def _proved(rule: Mapping[str, Any], proof: RuleProof) -> dict[str, Any]:
    kept = {key: value for key, value in rule["workbench"].items() if key not in ("recordings", "twins")}
    named = {key: names for key in ("recordings", "twins") if (names := getattr(proof, key))}
    return {**rule, "status": proof.maturity, "workbench": {**kept, **named}}
