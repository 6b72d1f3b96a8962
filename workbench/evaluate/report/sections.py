"""A report in sections of plain rows, which the terminal and the page both draw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from workbench.evaluate.backtest import Report, RuleResult
from workbench.evaluate.overlap import Overlap
from workbench.evaluate.report.words import METRICS, counted, metrics_row
from workbench.evaluate.summary import Summary
from workbench.evaluate.timeliness import Blocking, Delay

_SESSIONS = 100
"""Of more sessions than these only the misjudged are shown, and of them no more."""
_OVERLAPS = 20


@dataclass(frozen=True)
class Section:
    """A titled table; `wrong` are the numbers of the rows that tell of a mistake."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    note: str = ""
    wrong: frozenset[int] = field(default_factory=frozenset)


def sections(report: Report, summary: Summary) -> Iterator[Section]:
    """Give the sections of a report, what matters most last, where a terminal's reader looks first."""
    yield _sessions(report)
    yield _rules(report)
    yield _scorecard(report, summary)
    if summary.overlaps:
        yield _overlaps(report, summary.overlaps)
    yield from _groups(summary)
    if summary.blocked_at_alert.stopped:
        yield _stopped(summary.blocked_at_alert)
    yield _timeliness(summary)
    yield _verdict(report, summary)


def _sessions(report: Report) -> Section:
    outcomes = report.outcomes
    if len(outcomes) > _SESSIONS:
        outcomes = tuple(one for one in outcomes if one.called != one.malicious)[:_SESSIONS]
    rows = [
        (
            outcome.recording,
            outcome.scenario,
            "malicious" if outcome.malicious else "benign",
            outcome.decision,
            f"{outcome.score:.0f}",
            str(len(outcome.hits)),
        )
        for outcome in outcomes
    ]
    wrong = frozenset(n for n, outcome in enumerate(outcomes) if outcome.called != outcome.malicious)
    left = len(report.outcomes) - len(outcomes)
    note = f"{left} more are not shown; what was misjudged comes first. The JSON has all." if left else ""
    if not any(outcome.malicious for outcome in report.outcomes):
        note = f"{note} No event is labelled malicious, so each session counts as benign.".lstrip()
    columns = ("recording", "scenario", "truth", "verdict", "score", "findings")
    return Section("Sessions", columns, rows, note, wrong=wrong)


def _rules(report: Report) -> Section:
    fired = [rule for rule in report.rules if _fired(rule)]
    rows = [
        (
            f"{rule.title}\n  {_steps(rule)}".rstrip(),
            rule.signal + ("" if rule.proven else "\n  unproven"),
            *metrics_row("", rule.metrics)[1:],
        )
        for rule in fired
    ]
    note = f"Rules that make findings: {len(report.rules)}; that did so here: {len(fired)}."
    if not all(rule.proven for rule in fired):
        note += " Unproven: never wrong, but nothing benign came near it."
    return Section("Rules that fired", ("rule", "signal", *METRICS[1:]), rows, note)


def _fired(rule: RuleResult) -> bool:
    return rule.metrics.true_positives + rule.metrics.false_positives > 0


def _steps(rule: RuleResult) -> str:
    return "; ".join(f"{name}: {', '.join(steps)}" for name, steps in sorted(rule.scenarios.items()))


def _scorecard(report: Report, summary: Summary) -> Section:
    advised = [card for card in summary.scorecard if card.advice != "keep"]
    rows = [(card.title, card.advice, card.why) for card in advised]
    silent = sum(not _fired(rule) for rule in report.rules)
    kept = len(summary.scorecard) - len(advised) - silent
    note = f"To keep: {kept}. Cannot be judged, for no session here calls for them: {silent}."
    return Section("Scorecard", ("rule", "advice", "why"), rows, note)


def _overlaps(report: Report, found: Sequence[Overlap]) -> Section:
    titles = {rule.rule_id: rule.title for rule in report.rules}
    rows = [
        (titles[pair.first], titles[pair.second], f"{pair.both} of {pair.either}")
        for pair in found[:_OVERLAPS]
    ]
    note = f"Of {len(found)} pairs that share at least half of what either calls, the most alike."
    return Section("Rules that call the same sessions", ("rule", "and", "both of either"), rows, note)


def _groups(summary: Summary) -> Iterator[Section]:
    for name, groups in summary.recall.items():
        alarms = summary.false_alarms[name]
        rows = [
            (
                group or "(everyday work)",
                counted(groups[group]) if group in groups else "–",
                counted(alarms[group]) if group in alarms else "–",
            )
            for group in sorted({*groups, *alarms})
        ]
        if len(rows) > 1:
            yield Section(f"By {name}", (name, "recall", "benign sessions alerted on"), rows)


def _stopped(blocked: Blocking) -> Section:
    rows = [
        (
            stop.recording,
            f"{stop.number} of {stop.calls}",
            stop.step or "(unnamed)",
            stop.tool,
            "\n".join(stop.rules),
        )
        for stop in blocked.stopped
    ]
    columns = ("recording", "tool call", "step", "tool", "because of")
    return Section("Benign tool calls that blocking at every alert would have stopped", columns, rows)


def _timeliness(summary: Summary) -> Section:
    found, blocked, strict = summary.timeliness, summary.blocked, summary.blocked_at_alert
    rows = [
        ("from the attack's first event to the verdict, events", _delay(found.events)),
        ("the same in milliseconds", _delay(found.milliseconds)),
        ("exfiltrations told before the secret left", counted(found.prevented)),
        ("benign tool calls stopped, blocking as the pack asks", counted(blocked.benign)),
        ("benign tool calls stopped, blocking at every alert", counted(strict.benign)),
        ("malicious tool calls stopped, blocking as the pack asks", counted(blocked.malicious)),
        ("malicious tool calls stopped, blocking at every alert", counted(strict.malicious)),
    ]
    return Section("In time", ("", ""), rows)


def _delay(delay: Delay | None) -> str:
    return "–" if delay is None else f"median {delay.median:g}, p90 {delay.p90:g}, longest {delay.longest:g}"


def _verdict(report: Report, summary: Summary) -> Section:
    rows = [metrics_row(f"{name} alone", found) for name, found in report.signals.items()]
    rows += [metrics_row(f"dummy: {name}", found) for name, found in summary.dummies.items()]
    rows.append(metrics_row("fused verdict", report.verdict))
    note = (
        f"Benign twins alerted on: {counted(summary.twins)}. Intervals are 95 % bootstraps by session, of "
        "shares exact; the rate's upper bound is one-sided 95 % exact."
    )
    return Section("Fused verdict, beside its parts and dummies", METRICS, rows, note)
