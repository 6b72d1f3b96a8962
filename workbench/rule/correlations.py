"""Sigma correlations to the plan's."""

from __future__ import annotations

from typing import Any

from sigma.correlations import (
    SigmaCorrelationCondition,
    SigmaCorrelationRule,
    SigmaExtendedCorrelationCondition,
)
from sigma.rule import SigmaRule

from workbench.errors import RuleError, RuleErrors
from workbench.fields import resolve
from workbench.rule.document import Key
from workbench.rule.ruleset import LoadedRule, step_names
from workbench.rule.terms import terms_of
from workbench.rule.unseen import unseen_in
from workbench.rule.values import ValueFault
from workbench.scorer.plan import MAX_COUNT, OWN, Correlation, Term

_TEMPORAL = ("temporal", "temporal_ordered")
_MAX_YEARS = 100 * 366 * 86_400


def lower_correlation(rule: LoadedRule, numbers: dict[int, int]) -> Correlation:
    """Give the plan of a correlation; `numbers` are the plan's numbers of the rules before it, by `id`.

    Raises RuleError or RuleErrors that point at what cannot be honoured.
    """
    sigma = rule.sigma
    assert isinstance(sigma, SigmaCorrelationRule)
    for named in rule.steps + rule.absent:
        if id(named) not in numbers:
            raise rule.document.fault(
                f"names {named.id}, which cannot be honoured",
                "correlation",
                code="reference",
                mend="mend that rule",
            )
    for named in _unwanted(rule, sigma):
        if _blind(named):
            raise rule.document.fault(
                f"{named.id} names a field that no source sees: to want it absent would always hold",
                "correlation",
                code="unseen",
                mend="leave it out, or name fields that a source fills there",
            )
    if sigma.timespan.seconds > _MAX_YEARS:
        raise rule.document.fault(
            "the timespan is longer than a century",
            "correlation",
            "timespan",
            code="timespan",
            mend="shorten it",
        )
    kind = sigma.type.name.lower()
    parts: dict[str, Any] = {}
    faults = []
    for part in (_terms if kind in _TEMPORAL else _counting, _link, _group):
        try:
            parts |= part(rule, sigma)
        except RuleError as fault:
            faults.append(fault)
    if faults:
        raise RuleErrors(faults)
    return Correlation(
        type=kind,  # type: ignore[arg-type]  # one of pySigma's own
        rules=tuple(numbers[id(step)] for step in rule.steps),
        absent=tuple(numbers[id(step)] for step in rule.absent),
        timespan=sigma.timespan.seconds * 1_000_000_000,
        **parts,
    )


def _unwanted(rule: LoadedRule, sigma: SigmaCorrelationRule) -> list[LoadedRule]:
    """Give the rules that must not match for the correlation to fire."""
    unwanted = set()
    if isinstance(sigma.condition, SigmaExtendedCorrelationCondition):
        unwanted = {position for term in _terms(rule, sigma)["terms"] for position in term.none}
    return [*rule.absent, *(rule.steps[position] for position in sorted(unwanted))]


def _blind(rule: LoadedRule) -> bool:
    """Whether a rule, or one that it names, asks for a field that no source sees."""
    if isinstance(rule.sigma, SigmaRule):
        detections = rule.sigma.detection.detections.values()
        return any(unseen_in(rule.sigma, detection) for detection in detections)
    return any(map(_blind, rule.steps))


def _fault(rule: LoadedRule, cause: str, key: Key, mend: str) -> RuleError:
    return rule.document.fault(cause, "correlation", key, code="correlation", mend=mend)


def _link(rule: LoadedRule, sigma: SigmaCorrelationRule) -> dict[str, Any]:
    asked = rule.extension.linked_by
    kind = sigma.type.name.lower()
    if asked == "lineage" and kind != "temporal_ordered":
        raise rule.document.fault(
            f"a {kind} has no first process to descend from",
            "workbench",
            "linked_by",
            code="workbench",
            mend="use temporal_ordered, or link by session",
        )
    return {"link": asked or ("group" if sigma.group_by else "session")}


def _terms(rule: LoadedRule, sigma: SigmaCorrelationRule) -> dict[str, Any]:
    names = [name for name, _ in step_names(rule)]
    every = tuple(range(len(names)))
    condition = sigma.condition
    if isinstance(condition, SigmaExtendedCorrelationCondition):
        try:
            return {"terms": terms_of(condition.parsed, names)}
        except ValueFault as fault:
            raise _fault(rule, fault.cause, "condition", fault.mend) from None
    least = int(condition.count) + (condition.op.name == "GT")
    if condition.op.name not in ("GT", "GTE") or not 1 <= least <= len(names):
        raise _fault(
            rule,
            "a temporal condition counts its rules with gte or gt",
            "condition",
            "leave the condition out",
        )
    if least < len(names) and sigma.type.name == "TEMPORAL_ORDERED":
        raise _fault(
            rule, "every step of an ordered correlation is needed", "condition", "leave the condition out"
        )
    return {"terms": (Term(every, least=0 if least == len(names) else least),)}


def _counting(rule: LoadedRule, sigma: SigmaCorrelationRule) -> dict[str, Any]:
    condition = sigma.condition
    assert isinstance(condition, SigmaCorrelationCondition)
    kind = sigma.type.name.lower()
    if kind.endswith("_count") and not abs(condition.count) <= MAX_COUNT:
        raise _fault(rule, f"counts are compared with {MAX_COUNT} at most", "condition", "lower the count")
    given = rule.document.data["correlation"]["condition"]
    for key, wanted in (("percentile", "value_percentile"), ("field", "value_count")):
        if key in given and kind in ("event_count", *(("value_count",) if key == "percentile" else ())):
            raise _fault(rule, f"a {kind} has no {key}", "condition", f"leave it out, or use {wanted}")
    percentile = given.get("percentile", 50)
    if isinstance(percentile, bool) or not isinstance(percentile, int):
        raise _fault(rule, "a percentile is a whole number", "condition", "such as `percentile: 95`")
    if kind == "value_percentile" and not 0 < (condition.percentile or 0) <= 100:
        raise _fault(rule, "a percentile between 1 and 100 is wanted", "condition", "add `percentile: 95`")
    fields = [condition.fieldref] if isinstance(condition.fieldref, str) else condition.fieldref or []
    if kind not in ("event_count", "value_count") and len(fields) != 1:
        raise _fault(rule, f"{kind} wants exactly one field", "condition", "name one field")
    shape: dict[str, Any] = {
        "compare": condition.op.name.lower(),
        "threshold": condition.count,
        "values": tuple(_field(rule, name, "condition") for name in fields),
    }
    if condition.percentile is not None:
        shape["percentile"] = condition.percentile
    return shape


def _field(rule: LoadedRule, name: str, key: Key) -> str:
    field = resolve(str(name))
    if field is None:
        raise _fault(rule, f"no source fills the field {name!r}", key, "see the table of fields")
    return field


def _group(rule: LoadedRule, sigma: SigmaCorrelationRule) -> dict[str, Any]:
    """Give the fields of the group key for every step and absent rule, aliases resolved."""
    if not sigma.group_by:
        return {}
    names = [name for name, _ in step_names(rule)] + rule.extension.absent
    aliases = _aliases(sigma)
    for alias, mapping in aliases.items():
        for unknown in mapping.keys() - set(names):
            raise _fault(
                rule, f"alias {alias!r} is for {unknown!r}, which is no step", "aliases", "name a step"
            )

    def field_of(asked: str, step: str, named: LoadedRule) -> str:
        if asked not in aliases:
            return _own(named, asked) or _field(rule, asked, "group-by")
        if step not in aliases[asked]:
            raise _fault(rule, f"alias {asked!r} says nothing for {step!r}", "aliases", "add a field for it")
        field = aliases[asked][step]
        return _own(named, field) or _field(rule, field, "aliases")

    steps = list(zip(names, rule.steps + rule.absent, strict=True))
    return {"group": tuple(tuple(field_of(asked, *step) for asked in sigma.group_by) for step in steps)}


def _aliases(sigma: SigmaCorrelationRule) -> dict[str, dict[str, str]]:
    """Give alias → rule → field."""
    return {
        alias.alias: {step.reference: field for step, field in alias.mapping.items()}
        for alias in sigma.aliases
    }


def _own(named: LoadedRule, asked: str) -> str | None:
    """Give what the plan calls an alias that a named correlation is grouped by; None when it is none."""
    inner = named.sigma
    if not isinstance(inner, SigmaCorrelationRule) or not inner.group_by or asked not in inner.group_by:
        return None
    is_alias = asked in _aliases(inner) or resolve(asked) is None
    return f"{OWN}{inner.group_by.index(asked)}" if is_alias else None
