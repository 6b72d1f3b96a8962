"""What differs between two packs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from workbench.scorer.payload import Payload
from workbench.scorer.plan import Plan, Predicate, Rule, expanded
from workbench.scorer.reason import describe_predicate

_SHOWN = 8


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
        for key, change in _changes(left, right):
            yield f"~ {after[name].title} ({name}): {key}: {change}"


def _changes(left: dict[str, Any], right: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Give each key of which the value changed, and how; of a correlation, each of its own keys."""
    for key in sorted(left.keys() | right.keys()):
        one, other = left.get(key), right.get(key)
        if one == other:
            continue
        if key == "correlation" and one and other:
            yield from ((f"correlation.{part}", change) for part, change in _changes(one, other))
        elif key == "condition" and one and other:
            yield key, _condition(one, other)
        else:
            yield key, f"{_short(one)} → {_short(other)}"


def _condition(one: Any, other: Any) -> str:
    """Tell which tests a condition lost and gained."""
    lost, gained = (dict.fromkeys(map(describe_predicate, _tests(part))) for part in (one, other))
    told = [f"- {words}" for words in lost if words not in gained]
    told += [f"+ {words}" for words in gained if words not in lost]
    more = len(told) - _SHOWN
    listed = told if more <= 1 else [*told[:_SHOWN], f"{more} more"]
    return ", ".join(listed) or "the same tests, put together otherwise"


def _tests(condition: Any) -> Iterator[Predicate]:
    """Give the tests of a condition that `expanded` spelled out: a list of four that begins with a field."""
    if condition[0] in ("and", "or", "not") and not isinstance(condition[1], str):
        for part in condition[1:]:
            yield from _tests(part)
    else:
        yield msgspec.convert(condition, Predicate)


def content(plan: Plan, rule: Rule) -> dict[str, Any]:
    """Give what a rule is, with numbers replaced by what they stand for, so that packs can be compared."""
    plain: dict[str, Any] = msgspec.to_builtins(rule)
    if rule.correlation:
        for key in ("rules", "absent"):
            if key in plain["correlation"]:
                plain["correlation"][key] = [plan.rules[index].id for index in getattr(rule.correlation, key)]
    else:
        plain["condition"] = expanded(plan, rule.condition)
    return plain


def _rest(old: Payload, new: Payload) -> Iterator[str]:
    for key in ("name", "version", "minimum_scorer", "expires"):
        left, right = getattr(old, key), getattr(new, key)
        if left != right:
            yield f"~ {key}: {left} → {right}"
    for key in ("registries", "fusion", "evidence"):
        left, right = (msgspec.to_builtins(getattr(one, key)) for one in (old, new))
        names = [name for name in sorted(left.keys() | right.keys()) if left.get(name) != right.get(name)]
        for name in names:
            if key == "fusion":
                yield f"~ {key}: {name}: {_short(left.get(name))} → {_short(right.get(name))}"
            else:
                sign = "~" if name in left and name in right else "+" if name in right else "-"
                yield f"{sign} {key}: {name}"
    if old.baselines != new.baselines:
        yield f"~ baselines: {len(old.baselines)} → {len(new.baselines)}, their content differs"


def _short(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 100 else text[:99] + "…"
