"""A trial as HTML and as text."""

from __future__ import annotations

from workbench.errors import RuleError
from workbench.nb.trial.trial import Trial
from workbench.nb.view.page import page, table
from workbench.nb.view.plain import plain
from workbench.printable import printable


def to_text(trial: Trial) -> str:
    """Give faults, or else what was caught and what it cost, in a few lines."""
    if trial.errors:
        count = "1 error" if len(trial.errors) == 1 else f"{len(trial.errors)} errors"
        return printable("\n".join([f"{count}, nothing was run", *map(str, trial.errors)]))
    told = [_sessions(trial)]
    told += [f"caught {found} of {of} {name}" for name, (found, of) in trial.caught().items()]
    told += [f"false alarms in {found} of {of} {name}" for name, (found, of) in trial.false_alarms().items()]
    told += [
        f"nearly: {miss.recording} {miss.event_id} {miss.what}; stopped by {' and '.join(miss.stopped_by)}"
        for miss in trial.misses
    ]
    told.append("µs per event: " + ", ".join(f"{name} {value:g}" for name, value in trial.micros.items()))
    told += [f"warning: {fault.cause} (mend: {fault.mend})" for fault in trial.warnings]
    return printable("\n".join(told))


def to_html(trial: Trial) -> str:
    """Give the same with tables; faults stand below their line, marked at their column."""
    faults = _source(trial.source, trial.errors) if trial.errors else ""
    parts = [faults] if trial.errors else [_caught(trial), _misses(trial)]
    if trial.warnings:
        rows = [(fault.code, fault.cause, fault.mend) for fault in trial.warnings]
        parts.append(table(f"{len(rows)} warnings", ("code", "cause", "mend"), rows))
    if trial.micros:
        told = ", ".join(f"{name} {value:g}" for name, value in trial.micros.items())
        parts.append(f'<p class="dim">µs per event: {told}</p>')
    return page("".join(parts), "trial of a rule")


def _sessions(trial: Trial) -> str:
    count = len(trial.runs)
    sample = f", a sample of {trial.sessions} by scenario" if count < trial.sessions else ""
    return f"{count} sessions{sample}"


def _caught(trial: Trial) -> str:
    rows = [("attack", name, f"caught {found} of {of}") for name, (found, of) in trial.caught().items()]
    rows += [
        ("benign", name, f"false alarms in {found} of {of}")
        for name, (found, of) in trial.false_alarms().items()
    ]
    return table(_sessions(trial), ("", "scenario", "the rule"), rows)


def _misses(trial: Trial) -> str:
    rows = [
        (
            f"{miss.recording} {miss.event_id}",
            "malicious" if miss.malicious else "benign",
            miss.what,
            "\n".join(miss.stopped_by),
        )
        for miss in trial.misses
    ]
    heads = ("event", "truth", "what happened", "conditions that stopped it")
    return table("Nearest misses", heads, rows) if rows else ""


def _source(source: str, errors: list[RuleError]) -> str:
    placeless = [str(error) for error in errors if not (error.place and error.place.line)]
    drawn = [f'<div class="bad">{plain(text)}</div>' for text in placeless]
    for number, line in enumerate(source.splitlines(), 1):
        drawn.append(f"{number:>3} <span>{plain(line)}</span>\n")
        for error in errors:
            if error.place and error.place.line == number:
                caret = " " * (3 + error.place.column) + "^ " if error.place.column else "    "
                mend = f" (mend: {error.mend})" if error.mend else ""
                drawn.append(
                    f'<span class="hit">{caret}{plain(f"[{error.code}] {error.cause}{mend}")}</span>\n'
                )
    return f"<pre>{''.join(drawn)}</pre>"
