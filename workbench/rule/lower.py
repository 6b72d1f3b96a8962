"""Rules to the plan: data that the scorer, or an evaluator in another language, runs."""

from __future__ import annotations

from typing import Any

import msgspec
from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule

from workbench.errors import Place, RuleError, RuleErrors
from workbench.rule import unseen
from workbench.rule.correlations import lower_correlation
from workbench.rule.extension import RISK
from workbench.rule.field_names import field_of
from workbench.rule.logsource import is_auditd, kinds_of
from workbench.rule.parse import condition_fault
from workbench.rule.reachable import can_fire
from workbench.rule.ruleset import LoadedRule, RuleSet, silent
from workbench.rule.values import ValueFault, Values
from workbench.scorer.plan import KEYWORD, MAX_DEPTH, Level, Plan, Predicate, Rule, decode_plan


def lower(ruleset: RuleSet) -> dict[str, Any]:
    """Give the plan of a rule set as plain data; raises RuleErrors with all that cannot be honoured."""
    plan, errors = lower_all(ruleset)
    if errors:
        raise RuleErrors(errors)
    return plan


def lower_all(ruleset: RuleSet) -> tuple[dict[str, Any], list[RuleError]]:
    """Give the plan of the rules that can be honoured, and the faults of the others."""
    lowering = _Lowering(ruleset)
    for rule in ruleset.rules:
        lowering.add(rule)
    plan = msgspec.to_builtins(Plan(tuple(lowering.predicates), tuple(lowering.rules)))
    decode_plan(plan)  # what we write we can read
    return plan, lowering.errors


class _Lowering:
    def __init__(self, ruleset: RuleSet) -> None:
        self.predicates: list[Predicate] = []
        self._known: dict[tuple[type, Predicate], int] = {}
        self.rules: list[Rule] = []
        self.errors: list[RuleError] = []
        self._faults: list[RuleError] = []  # of the rule at hand
        self._unseen: list[RuleError] = []  # what is one only if the rule can fire
        self._placeholders = ruleset.placeholders
        self._numbers: dict[int, int] = {}  # id(LoadedRule) → its number in the plan
        self._silent = silent(ruleset.rules)

    def add(self, rule: LoadedRule) -> None:
        self._faults, self._unseen = [], []
        what: dict[str, Any] = {}
        try:
            what = (
                self._detection(rule, rule.sigma)
                if isinstance(rule.sigma, SigmaRule)
                else {"correlation": lower_correlation(rule, self._numbers)}
            )
        except RuleErrors as error:
            self._faults.extend(error.errors)
        except RuleError as error:
            self._faults.append(error)
        if self._unseen and (self._faults or self._can_fire(rule, what)):
            self._faults += self._unseen
        if self._faults:  # a detection that stands twice in a condition has its faults once
            self.errors += {str(fault): fault for fault in self._faults}.values()
            return
        self._numbers[id(rule)] = len(self.rules)
        self.rules.append(self._rule(rule, what))

    def _can_fire(self, rule: LoadedRule, what: dict[str, Any]) -> bool:
        return can_fire(Plan(tuple(self.predicates), ()), self._rule(rule, what))

    def _rule(self, rule: LoadedRule, what: dict[str, Any]) -> Rule:
        sigma, extension = rule.sigma, rule.extension
        level: Level = sigma.level.name.lower() if sigma.level else "medium"  # type: ignore[assignment]  # Sigma has these five
        return Rule(
            id=rule.id,
            title=sigma.title,
            name=sigma.name or "",
            level=level,
            signal=extension.signal,
            risk=RISK[level] if extension.risk is None else extension.risk,
            response=extension.response,
            budget=extension.false_positive_budget,
            tags=tuple(str(tag) for tag in sigma.tags),
            label=extension.label,
            silent=id(rule) in self._silent,
            **what,
        )

    def _detection(self, rule: LoadedRule, sigma: SigmaRule) -> dict[str, Any]:
        fields = _Fields(rule, audit=is_auditd(sigma.logsource))
        values = Values(self._placeholders, fields.resolve)
        conditions = [
            self._parsed(rule, number, values, fields) for number in range(len(sigma.detection.condition))
        ]
        condition = _joined("or", conditions)
        product = sigma.logsource.product
        if product and not fields.audit:
            # An event that does not say its system is taken to be of the right one.
            system = [Predicate("host.os.type", "null"), Predicate("host.os.type", "equals", product)]
            condition = _joined("and", [condition, _joined("or", [self._number(one) for one in system])])
        if _depth(condition) >= MAX_DEPTH:
            raise rule.document.fault(
                "the condition is nested too deep",
                "detection",
                "condition",
                code="condition",
                mend="split the rule",
            )
        view = "auditd" if fields.audit else "event"
        return {"condition": condition, "kinds": kinds_of(sigma.logsource), "view": view}

    def _parsed(self, rule: LoadedRule, number: int, values: Values, fields: _Fields) -> Any:
        assert isinstance(rule.sigma, SigmaRule)
        try:
            tree = rule.sigma.detection.parsed_condition[number].parse()
        except (SigmaError, RecursionError, AttributeError) as error:
            raise condition_fault(rule.document, "detection", error) from None
        if tree is None:
            raise rule.document.fault("the condition is empty", "detection", "condition", code="condition")
        return self._tree(rule, tree, values, fields)

    def _tree(
        self, rule: LoadedRule, tree: Any, values: Values, fields: _Fields, *, wanted: bool = True
    ) -> Any:
        """Lower a condition; `wanted` is off where it stands under an odd number of `not`."""
        match tree:
            case ConditionNOT():
                return ["not", self._tree(rule, tree.args[0], values, fields, wanted=not wanted)]
            case ConditionAND() | ConditionOR():
                operator = "and" if isinstance(tree, ConditionAND) else "or"
                parts = [self._tree(rule, part, values, fields, wanted=wanted) for part in tree.args]
                return _joined(operator, parts)
            case ConditionFieldEqualsValueExpression() | ConditionValueExpression():
                return self._leaf(rule, tree, values, fields, wanted=wanted)
        raise rule.document.fault(
            f"the condition has a {type(tree).__name__}", "detection", "condition", code="condition"
        )

    def _leaf(
        self,
        rule: LoadedRule,
        leaf: ConditionFieldEqualsValueExpression | ConditionValueExpression,
        values: Values,
        fields: _Fields,
        *,
        wanted: bool,
    ) -> Any:
        try:
            field = (
                fields.resolve(leaf.field)
                if isinstance(leaf, ConditionFieldEqualsValueExpression)
                else KEYWORD
            )
            found = values.predicates(field, leaf.value)
            self._unseen += [
                _located(rule, leaf, fault)
                for predicate in found
                if (fault := fields.unseen(predicate, wanted=wanted))
            ]
        except ValueFault as fault:
            self._faults.append(_located(rule, leaf, fault))
            return 0  # the rule is left out, and looked at further only for what else is wrong
        return _joined("or", [self._number(predicate) for predicate in found])

    def _number(self, predicate: Predicate) -> int:
        if isinstance(predicate.value, list):
            predicate = msgspec.structs.replace(predicate, value=tuple(predicate.value))
        key = type(predicate.value), predicate  # 1 and True are one to Python, but not to an event
        if key not in self._known:
            self._known[key] = len(self.predicates)
            self.predicates.append(predicate)
        return self._known[key]


class _Fields:
    """The fields a rule may name: the event's, or those of auditd's records."""

    def __init__(self, rule: LoadedRule, *, audit: bool) -> None:
        self._labels = bool(rule.extension.label)
        self.audit = audit

    def unseen(self, predicate: Predicate, *, wanted: bool) -> ValueFault | None:
        """Give the fault of a test of a field that no source sees, where its absence would fit."""
        named = [predicate.field, *(predicate.value[:1] if predicate.op == "fieldref" else ())]
        name = next((one for one in named if one in (unseen.AUDITD if self.audit else unseen.SIGMA)), None)
        if name is None:
            return None
        absence_fits = predicate.op == "null" or (predicate.op == "exists" and not predicate.value)
        if absence_fits is not wanted:
            return None
        return ValueFault(
            f"no source sees {name!r}, and its absence would make the rule fire",
            "unseen",
            "leave this item out, or name a field that a source fills",
        )

    def resolve(self, name: str) -> str:
        """Give the field that a rule's name means; raises ValueFault when there is none."""
        field = field_of(name, audit=self.audit)
        if self._labels and field.startswith("provenance."):
            raise ValueFault(
                f"a rule with `label` cannot look at {field}",
                "field",
                "labels are given before provenance is known",
            )
        return field


def _located(rule: LoadedRule, leaf: Any, fault: ValueFault) -> RuleError:
    """Give a fault its place: that of the detection item it is in."""
    source = getattr(leaf, "source", None)
    if source and str(source.path) != rule.document.path:  # of a filter in another file
        place = Place(str(source.path), source.line or 0, source.char or 0)
        return RuleError(fault.cause, code=fault.code, place=place, mend=fault.mend)
    place = (
        Place(rule.document.path, source.line, source.char or 0)
        if source and source.line
        else rule.document.place("detection")
    )
    return rule.document.fault_at(place, fault.cause, code=fault.code, mend=fault.mend)


def _joined(operator: str, parts: list[Any]) -> Any:
    """Join conditions, flattening what the same operator already joins."""
    if len(parts) == 1:
        return parts[0]
    flat: list[Any] = []
    for part in parts:
        flat.extend(part[1:] if isinstance(part, list) and part[0] == operator else [part])
    return [operator, *flat]


def _depth(condition: Any) -> int:
    return 0 if isinstance(condition, int) else 1 + max(_depth(part) for part in condition[1:])
