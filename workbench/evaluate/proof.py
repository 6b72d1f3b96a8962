"""What recordings prove of each rule, as it is kept beside the rules: where it fires, how mature it is."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from workbench.errors import InputError

Maturity = Literal["experimental", "test", "stable"]
THRESHOLDS = "maturity.toml"
PROOF = "proof.json"
NAMED_BY_PROOF = 6
"""How many recordings, and how many twins, a rule names; the others are as many again of the same kinds."""


class Threshold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a maturity asks for; see rules/maturity.toml."""

    recordings: int = 1
    agents: int = 1
    held_out: int = 0
    precision: float = 0.0
    upper_per_1000: float = 1000.0


class RuleProof(msgspec.Struct, frozen=True, kw_only=True):
    """One rule over all recordings; `recordings` and `twins` are chosen, the counts are of all.

    `digest` is of what the rule meant when it was measured, `false_positives` of benign sessions with a
    finding, `wrong` of attacks in which every finding rests on benign events.
    """

    title: str
    digest: str
    response: str
    maturity: Maturity
    caught: int
    held_out: int
    agents: list[str]
    false_positives: int
    wrong: int
    twins_alerted: int
    scenarios: dict[str, int]
    recordings: list[str]
    twins: list[str]


class Tally(msgspec.Struct, frozen=True):
    """Of `recordings`, `called` had a verdict of alert or block; of `left`, as many were told `in_time`."""

    recordings: int
    called: int
    left: int = 0
    in_time: int = 0


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """A pack's rules judged on one released dataset; `unseen` are scenarios of which only test has any."""

    dataset: str
    version: str
    manifest: str
    rules: dict[str, RuleProof]
    scenarios: dict[str, Tally]
    twins: dict[str, Tally]
    techniques: dict[str, list[str]]
    mutators: dict[str, Tally]
    attacks: dict[str, Tally]
    benign: dict[str, Tally]
    blocked: list[str]
    unseen: list[str]


def read_thresholds(file: Path) -> dict[Maturity, Threshold]:
    """Read the thresholds, the highest first; raises InputError naming the file."""
    try:
        found = msgspec.toml.decode(file.read_bytes(), type=dict[Literal["test", "stable"], Threshold])
    except (OSError, msgspec.MsgspecError, ValueError) as error:
        raise InputError(f"not thresholds: {error}", place=file, mend="see docs/rules.md") from None
    return {name: found[name] for name in ("stable", "test") if name in found}


def read_proof(file: Path) -> Proof:
    """Read a proof that `workbench prove --write` wrote; raises InputError naming the file."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Proof)
    except (OSError, msgspec.MsgspecError) as error:
        mend = "measure it with `workbench prove RULES DATASET --write`"
        raise InputError(f"not a proof: {error}", place=file, mend=mend) from None
