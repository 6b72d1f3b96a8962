"""A gate's policy: what a pack must show on a dataset before it may ship."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import yaml

from workbench.errors import InputError
from workbench.yaml_text import read_yaml

Rate = Annotated[float, msgspec.Meta(ge=0, le=1)]
Count = Annotated[int, msgspec.Meta(ge=0)]


class Policy(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a policy file (YAML) may demand; what it leaves out is not asked for.

    Rates are of sessions, 0 to 1 but for `false_positives_per_1000`; `recall_by_scenario` and
    `recall_by_family` override `recall` for one of them. `prevented` is of exfiltrations,
    `benign_calls_stopped` of benign tool calls, blocking as the pack asks; `benign_blocks` is how many benign
    sessions may end in a block. `latency_p99_9_us` is microseconds per event on this machine. `tags` are what
    every rule's tags must begin with, `tested` that every rule that alerts caught something here, `approvals`
    how many people must have signed the very content.
    """

    recall: Rate | None = None
    recall_by_scenario: dict[str, Rate] = {}
    recall_by_family: dict[str, Rate] = {}
    prevented: Rate | None = None
    benign_calls_stopped: Rate | None = None
    precision: Rate | None = None
    false_positives_per_1000: Annotated[float, msgspec.Meta(ge=0, le=1000)] | None = None
    false_positives_on_twins: Rate | None = None
    benign_blocks: Count | None = None
    rule_budgets: bool = False
    latency_p99_9_us: Annotated[float, msgspec.Meta(gt=0)] | None = None
    techniques: bool = False
    tags: list[str] = []
    tested: bool = False
    approvals: Count = 0
    minimum_malicious: Count = 0
    minimum_benign: Count = 0


def read_policy(path: Path) -> Policy:
    """Read a policy; raises InputError naming the file and what is wrong."""
    try:
        return msgspec.convert(read_yaml(path.read_text(encoding="utf-8")), Policy)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", place=path, mend="check the path") from None
    except (UnicodeDecodeError, yaml.YAMLError, msgspec.ValidationError) as error:
        raise InputError(f"not a policy: {error}", place=path, mend="see docs/evaluation.md") from None
