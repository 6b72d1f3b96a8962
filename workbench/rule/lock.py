"""The version lock: a rule that changed must say so in `modified`."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from workbench.errors import InputError, RuleError
from workbench.rule.extension import PROSE
from workbench.rule.ruleset import LoadedRule, RuleSet

# What may change without a new version: it tells people something, but the rule means the same.
_PROSE = frozenset(
    {
        *("description", "references", "author", "falsepositives", "related", "license", "modified", "date"),
        "status",
    }
)


class Locked(msgspec.Struct):
    """One rule as it was: the digest of what it means, and its version."""

    digest: str
    version: str


def digest_of(rule: LoadedRule) -> str:
    """Give the SHA-256 of what a rule means; prose and dates are left out."""
    meaning: dict[str, Any] = {key: value for key, value in rule.document.data.items() if key not in _PROSE}
    told = meaning.get("workbench", {})
    meaning["workbench"] = {key: value for key, value in told.items() if key not in PROSE}
    return sha256(msgspec.json.encode(meaning, order="sorted", enc_hook=str)).hexdigest()


def _locked(rule: LoadedRule, ruleset: RuleSet) -> str:
    """Give the digest of what a rule means with the values of the placeholders that it names."""
    section = msgspec.json.encode(rule.document.data.get("detection"), enc_hook=str).decode()
    named = {name for name in re.findall(r"%([^%]+)%", section) if name in ruleset.placeholders}
    if "|expand" not in section or not named:
        return digest_of(rule)
    values = {name: list(ruleset.placeholders[name]) for name in named}
    return sha256(digest_of(rule).encode() + msgspec.json.encode(values, order="sorted")).hexdigest()


def version_of(rule: LoadedRule) -> str:
    """Give a rule's version: when it was last modified, else its date."""
    return str(rule.sigma.modified or rule.sigma.date or "")


def write_lock(file: Path, ruleset: RuleSet) -> None:
    """Write the lock of a rule set."""
    locked = {rule.id: Locked(_locked(rule, ruleset), version_of(rule)) for rule in ruleset.rules}
    text = msgspec.json.format(msgspec.json.encode(locked, order="sorted"), indent=1)
    scratch = file.with_name(f".{file.name}.new")
    scratch.write_bytes(text + b"\n")
    scratch.rename(file)


def check_lock(file: Path, ruleset: RuleSet) -> list[RuleError]:
    """Give a fault for each rule that changed under the same version; raises InputError for a bad lock."""
    try:
        locked = msgspec.json.decode(file.read_bytes(), type=dict[str, Locked])
    except (OSError, msgspec.MsgspecError) as error:
        raise InputError(f"not a lock: {error}", place=file, mend="write it with --update-lock") from None
    faults = []
    for rule in ruleset.rules:
        known = locked.get(rule.id)
        if known is None:
            cause, mend = "the rule is not in the lock", "run lint with --update-lock"
        elif known.digest != _locked(rule, ruleset) and version_of(rule) <= known.version:
            cause, mend = (
                f"the rule changed since version {known.version or '(none)'}",
                "set `modified` to today",
            )
        else:
            continue
        faults.append(rule.document.fault(cause, "modified", code="version", mend=mend))
    return faults
