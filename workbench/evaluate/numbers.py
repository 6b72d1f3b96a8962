"""A page of numbers: one pack on one split, with intervals, beside goals, dummies, ablations and losses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from workbench.evaluate.backtest import Report
from workbench.evaluate.loss import UnderLoss, under_loss
from workbench.evaluate.metrics import Share, share
from workbench.evaluate.report.words import METRICS, counted, metrics_row, rate
from workbench.evaluate.separation import separations
from workbench.evaluate.summary import Summary, summarise

RECALL, ALARMS, TWINS, PREVENTED, LOSS, EVASION = 0.95, 0.005, 0.02, 0.8, 0.03, 0.8
"""Goals: recall, shares of benign sessions and of twins, prevented, recall lost to 5 % loss, per mutator."""

_AREA = (
    "The area under the ROC curve of a field's highest value in a session: the chance that an attack's "
    "exceeds a benign session's. 0.5 tells nothing."
)
_FIVE, _TO_FIVE = "5 % dropped", "recall lost to 5 % loss"


@dataclass(frozen=True)
class Numbers:
    """What the page is made of; `without` and `losses` are empty when they were not measured.

    `unseen` are the families of which nothing is in another split.
    """

    title: str
    command: str
    report: Report
    without: Mapping[str, Report]
    losses: Mapping[str, UnderLoss]
    unseen: frozenset[str] = frozenset()


def to_markdown(numbers: Numbers) -> str:
    """Write the page; text from recordings is set as code, so that it stays text."""
    summary = summarise(numbers.report)
    parts = [
        f"# {numbers.title}",
        f"Made by `{numbers.command}`. "
        "Intervals are 95 %: of shares exact, of the table's rates bootstraps by session.",
        *_goals(numbers, summary),
    ]
    judges = [metrics_row("fused verdict", numbers.report.verdict)]
    judges += [metrics_row(f"without {name}", report.verdict) for name, report in numbers.without.items()]
    judges += [metrics_row(f"signal {name} alone", found) for name, found in numbers.report.signals.items()]
    judges += [metrics_row(f"dummy: {name}", found) for name, found in summary.dummies.items()]
    parts += ["## Verdict, ablations and dummies", _table(METRICS, judges)]
    drift = [
        (one.field, str(one.attacks), str(one.benign), rate(one.area, one.interval))
        for one in separations(numbers.report.outcomes)
    ]
    parts += ["## Each drift field alone", _AREA, _table(("field", "attacks", "benign", "area"), drift)]
    parts += ["## What blocking would have stopped", *_blocking(summary)]
    for by, groups in summary.recall.items():
        alarms = summary.false_alarms[by]
        rows = [(_code(name), *_both(groups.get(name), alarms.get(name))) for name in {**groups, **alarms}]
        parts += [f"## By {by}", _table((by, *_BOTH), sorted(rows))]
    parts += ["## Families trained on, and not", _table(("families", *_BOTH), _families(numbers))]
    if numbers.losses:
        whole = under_loss(numbers.report.outcomes)
        lost = [
            (name, counted(one.recall), counted(one.false_alarms))
            for name, one in {"nothing": whole, **numbers.losses}.items()
        ]
        parts += ["## Under loss", _table(("lost", "recall", "benign sessions alerted on"), lost)]
    parts += ["## Missed, and false alarms", *_mistakes(numbers.report)]
    return "\n\n".join(parts) + "\n"


def _goals(numbers: Numbers, summary: Summary) -> Iterator[str]:
    outcomes, delays = numbers.report.outcomes, summary.timeliness
    recall = share(outcome.called for outcome in outcomes if outcome.malicious)
    alarms = share(outcome.called for outcome in outcomes if not outcome.malicious)
    rows = [
        _goal("recall of malicious sessions", recall, least=RECALL),
        _goal("benign sessions alerted on", alarms, most=ALARMS),
        _goal("benign twins alerted on", summary.twins, most=TWINS),
        _goal("exfiltrations prevented", delays.prevented, least=PREVENTED),
    ]
    if _FIVE in numbers.losses:
        whole, five = (one.share or 0.0 for one in (recall, numbers.losses[_FIVE].recall))
        met = "holds" if whole - five <= LOSS else "falls short"
        rows.append((_TO_FIVE, f"≤ {LOSS}", f"{whole - five:.3g}", met))
    else:
        rows.append((_TO_FIVE, f"≤ {LOSS}", "not measured here", ""))
    yield _table(("goal", "", "measured", ""), rows)
    weak = [f"{_code(name)} ({counted(one)})" for name, one in _weak(summary.recall["mutator"])]
    yield f"Evasions below {EVASION}, which are known gaps: {', '.join(weak) or 'none'}."
    if delays.events and delays.milliseconds:
        events, times = delays.events, delays.milliseconds
        yield (
            f"From an attack's first event to the verdict: median {events.median:g} events and "
            f"{times.median:g} ms, p90 {events.p90:g} events and {times.p90:g} ms."
        )


_BOTH = ("recall", "benign sessions alerted on")


def _both(recall: Share | None, alarms: Share | None) -> tuple[str, str]:
    nothing = share([])
    return counted(recall or nothing), counted(alarms or nothing)


def _families(numbers: Numbers) -> Iterator[tuple[str, ...]]:
    for name, wanted in (("never trained on", True), ("also in another split", False)):
        found = [one for one in numbers.report.outcomes if (one.family in numbers.unseen) is wanted]
        yield (
            name,
            *_both(
                share(outcome.called for outcome in found if outcome.malicious),
                share(outcome.called for outcome in found if not outcome.malicious),
            ),
        )


def _blocking(summary: Summary) -> Iterator[str]:
    rows = [
        (name, counted(found.malicious), counted(found.benign))
        for name, found in (
            ("as the pack asks", summary.blocked),
            ("at every alert", summary.blocked_at_alert),
        )
    ]
    yield _table(("blocking", "malicious tool calls stopped", "benign tool calls stopped"), rows)
    stopped = [
        (_code(stop.recording), _code(stop.tool), f"{stop.number} of {stop.calls}", ", ".join(stop.rules))
        for stop in summary.blocked.stopped
    ]
    if stopped:
        yield "Benign calls that the pack as it is would have stopped:"
        yield _table(("recording", "tool", "call", "rules"), stopped)


def _weak(groups: Mapping[str, Share]) -> Iterable[tuple[str, Share]]:
    return [(name, one) for name, one in groups.items() if name != "none" and (one.share or 0.0) < EVASION]


def _goal(name: str, had: Share, *, least: float = 0.0, most: float = 1.0) -> tuple[str, ...]:
    wanted = f"≥ {least:g}" if least else f"≤ {most:g}"
    if had.share is None:
        return name, wanted, "nothing to judge by", ""
    return name, wanted, counted(had), "holds" if least <= had.share <= most else "falls short"


def _mistakes(report: Report) -> Iterator[str]:
    wrong = [outcome for outcome in report.outcomes if outcome.called != outcome.malicious]
    rows = [
        (
            _code(outcome.recording),
            _code(outcome.scenario),
            _code(outcome.mutator) if outcome.mutator else "",
            "missed" if outcome.malicious else outcome.decision,
            f"{outcome.score:.0f}",
            ", ".join(_code(title) for title in sorted({hit.title for hit in outcome.hits})),
        )
        for outcome in wrong
    ]
    columns = ("recording", "scenario", "mutator", "what", "score", "rules")
    yield _table(columns, rows) if rows else "None."


def _code(text: str) -> str:
    r"""Set text as code in a table's cell.

    >>> _code("a|b`c")
    '`a\\|b’c`'
    """
    line = " ".join(text.split()).replace("`", "’").replace("|", "\\|")
    return f"`{line}`" if line else ""


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
