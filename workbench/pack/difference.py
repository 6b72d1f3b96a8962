"""What differs between two packs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from workbench.scorer.payload import Payload
from workbench.scorer.plan import Plan, Rule


def differences(old: Payload, new: Payload) -> list[str]:
    """Tell, a line each, what was added (+), removed (-) and changed (~), rules by id and then the rest."""
    return [*_rules(old.plan, new.plan), *_rest(old, new)]


def _rules(old: Plan, new: Plan) -> Iterator[str]:
    before = {rule.id: rule for rule in old.rules}
    after = {rule.id: rule for rule in new.rules}
    for name in sorted(before.keys() - after.keys()):
        yield f"- {before[name].title} ({name})"
    for name in sorted(after.keys() - before.keys()):
        yield f"+ {after[name].title} ({name})"
    for name in sorted(before.keys() & after.keys()):
        left, right = content(old, before[name]), content(new, after[name])
        changed = [key for key in sorted(left.keys() | right.keys()) if left.get(key) != right.get(key)]
        for key in changed:
            yield f"~ {after[name].title} ({name}): {key}: {_short(left.get(key))} → {_short(right.get(key))}"


def content(plan: Plan, rule: Rule) -> dict[str, Any]:
    """Give what a rule is, with numbers replaced by what they stand for, so that packs can be compared."""
    plain: dict[str, Any] = msgspec.to_builtins(rule)
    if rule.correlation:
        for key in ("rules", "absent"):
            if key in plain["correlation"]:
                plain["correlation"][key] = [plan.rules[index].id for index in getattr(rule.correlation, key)]
    else:
        plain["condition"] = _expand(plan, rule.condition)
    return plain


def _expand(plan: Plan, condition: Any) -> Any:
    if isinstance(condition, int):
        return msgspec.to_builtins(plan.predicates[condition])
    return [condition[0], *(_expand(plan, part) for part in condition[1:])]


def _rest(old: Payload, new: Payload) -> Iterator[str]:
    for key in ("name", "version", "minimum_scorer", "expires"):
        left, right = getattr(old, key), getattr(new, key)
        if left != right:
            yield f"~ {key}: {left} → {right}"
    for key in ("registries", "baselines", "fusion", "evidence"):
        if getattr(old, key) != getattr(new, key):
            yield f"~ {key} differ"


def _short(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 100 else text[:99] + "…"
