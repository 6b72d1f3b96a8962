"""What is doubtful about a rule among others: what it can never see, or is not given the time to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sigma.correlations import SigmaCorrelationRule

from workbench.errors import RuleError
from workbench.rule.expression import compile_expression
from workbench.rule.reachable import can_fire
from workbench.rule.ruleset import LoadedRule
from workbench.rule.unlabelled import unlabelled
from workbench.scorer.plan import Correlation, Plan
from workbench.scorer.reason import describe_span

_INSTRUCTIONS = 1_000
"""Of RE2. Up to here an automaton is found to fit its memory, and 10 kB took at most 0.2 s."""
_TEXT, _STEP_S = 10_000, 20e-9
"""Bytes, and seconds a byte and instruction without one: `(a?b?c?){1,1000}$x` on random a, b and c."""


def check_in_plan(plan: Plan, rules: Iterable[LoadedRule]) -> Iterator[RuleError]:
    """Give what is doubtful about rules among the others of a plan; those that it lacks are passed over."""
    numbers = {rule.id: number for number, rule in enumerate(plan.rules)}
    wanting = unlabelled(plan)
    for rule in rules:
        number = numbers.get(rule.id)
        if number is not None:
            yield from _unreachable(plan, number, rule)
            yield from _short_window(plan, number, rule)
            yield from _costly(plan, number, rule)
            if number in wanting:
                yield _unlabelled(rule, wanting[number])


def _costly(plan: Plan, number: int, rule: LoadedRule) -> Iterator[RuleError]:
    """A regular expression so large that a text made for it takes long, though no more than in proportion."""
    condition = plan.rules[number].condition
    for leaf in sorted(set(plan.leaves(condition))) if condition is not None else ():
        predicate = plan.predicates[leaf]
        size = compile_expression(str(predicate.value)).programsize if predicate.op == "regex" else 0
        if size > _INSTRUCTIONS:
            seconds = size * _TEXT * _STEP_S
            yield rule.document.fault(
                f"an expression of {size:,} instructions of RE2: a text of 10 kB can take it {seconds:.1g} s",
                "detection",
                code="costly",
                mend="write shorter repetitions",
            )


def _unreachable(plan: Plan, number: int, rule: LoadedRule) -> Iterator[RuleError]:
    """A condition that no event can fire."""
    if can_fire(plan, plan.rules[number]):
        return
    section = "correlation" if isinstance(rule.sigma, SigmaCorrelationRule) else "detection"
    mend = "two of its tests contradict each other; `|all` wants contains" if section == "detection" else ""
    yield rule.document.fault(
        "the condition can never hold",
        section,
        "condition",
        code="unreachable",
        mend=mend or "a count is judged when something matches, so it is 1 at least",
    )


def _short_window(plan: Plan, number: int, rule: LoadedRule) -> Iterator[RuleError]:
    """A window that is shorter than that of a correlation among its steps."""
    correlation = plan.rules[number].correlation
    for position, step in enumerate(correlation.rules if correlation else ()):
        inner = plan.rules[step].correlation
        if inner and correlation and not _at_once(inner) and inner.timespan > correlation.timespan:
            yield rule.document.fault(
                f"step {position + 1} alone may take {describe_span(inner.timespan)}",
                "correlation",
                "timespan",
                code="short-window",
                mend="make the timespan longer than those of the steps",
            )


def _at_once(correlation: Correlation) -> bool:
    """Whether one event completes it: its timespan then only says how far back an unwanted one may lie."""
    return bool(correlation.terms) and all(1 in (len(term.every), term.least) for term in correlation.terms)


def _unlabelled(rule: LoadedRule, label: str) -> RuleError:
    """Data that is asked for by a label which no rule gives."""
    section = "correlation" if isinstance(rule.sigma, SigmaCorrelationRule) else "detection"
    cause = f"no rule here gives the label {label}: what asks for it stays silent, its tests are left out"
    mend = "give the rules that label too, such as rules/label"
    return rule.document.fault(cause, section, code="unlabelled", mend=mend)
