"""What is doubtful about a rule among others: what it can never see, or is not given the time to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sigma.correlations import SigmaCorrelationRule

from workbench.errors import RuleError
from workbench.rule.reachable import can_fire
from workbench.rule.ruleset import LoadedRule
from workbench.rule.unlabelled import unlabelled
from workbench.scorer.plan import Correlation, Plan
from workbench.scorer.reason import describe_span


def check_in_plan(plan: Plan, rules: Iterable[LoadedRule]) -> Iterator[RuleError]:
    """Give what is doubtful about rules among the others of a plan; those that it lacks are passed over."""
    numbers = {rule.id: number for number, rule in enumerate(plan.rules)}
    wanting = unlabelled(plan)
    for rule in rules:
        number = numbers.get(rule.id)
        if number is not None:
            yield from _unreachable(plan, number, rule)
            yield from _short_window(plan, number, rule)
            if number in wanting:
                yield _unlabelled(rule, wanting[number])


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
