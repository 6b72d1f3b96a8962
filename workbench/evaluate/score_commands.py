"""`workbench score` and `workbench explain`: a pack over events, and why it said what it said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from workbench.event import Value
from workbench.output import Format, Pack, Trust, show_json
from workbench.printable import printable, printable_line

if TYPE_CHECKING:
    from workbench.errors import InputError
    from workbench.scorer import Finding

Events = Annotated[
    Path,
    typer.Argument(
        metavar="EVENTS", help="a .jsonl, a .parquet, a recording, or - for JSON lines on standard input"
    ),
]


def register(app: typer.Typer) -> None:
    """Add `score` and `explain`."""
    app.command("score")(score)
    app.command("explain")(explain)


def score(
    pack: Pack,
    events: Events,
    trust: Trust = None,
    format: Annotated[
        Literal["json", "ocsf", "text"],
        typer.Option(
            help="json, or ocsf for OCSF Detection Findings (2004); an object a line; text for people"
        ),
    ] = "json",
    stats: Annotated[
        Path | None, typer.Option(metavar="F", help="write counts, memory and latency as JSON")
    ] = None,
) -> None:
    """Run a signed pack over events and print its findings, one JSON object a line.

    A file's events are taken in order of (`@timestamp`, `event.sequence`), those of `-` as they come, past
    lines that are none. Exits 0 whether or not there are findings, 2 when a line was no event.

    Example: `workbench score exfil.pack recordings/run-1 --stats stats.json`
    """
    from time import perf_counter, perf_counter_ns

    import msgspec

    from workbench.errors import InputError
    from workbench.pack.keys import trusted_keys
    from workbench.scorer import Scorer
    from workbench.scorer.words import words

    began = perf_counter()
    scorer = Scorer.load(pack, trusted_keys(trust))
    load_s = perf_counter() - began
    unknown: Counter[str] = Counter()
    by_rule: Counter[str] = Counter()
    taken: list[int] = []

    def report(findings: list[Finding]) -> None:
        for finding in findings:
            by_rule[finding.rule_id] += 1
            if format == "text":
                typer.echo(words(finding))
            else:
                typer.echo(msgspec.json.encode(_shape(finding, format)).decode())

    told = read_events_of(events, unknown)
    fault: InputError | None = None
    try:
        for event in told:
            start = perf_counter_ns()
            findings = scorer.score(event)
            taken.append(perf_counter_ns() - start)
            if findings:
                report(findings)
    except InputError as error:  # of a stream, which goes on behind a line that is no event
        fault = error
    report(scorer.close())
    if unknown:
        left_out = printable(", ".join(f"{name} ({count})" for name, count in unknown.most_common(5)))
        typer.echo(
            f"workbench: {unknown.total()} values of unknown fields were left out: {left_out}", err=True
        )
    if stats:
        _write_stats(stats, taken, by_rule, load_s)
    if fault is not None:
        raise fault


def _shape(finding: object, format: str) -> object:
    if format == "json":
        return finding
    from importlib import import_module

    from workbench.errors import InputError

    try:
        return import_module("workbench.sensor.ocsf").to_ocsf(finding)
    except ModuleNotFoundError:
        raise InputError("OCSF output is not part of this installation", mend="use --format json") from None


def read_events_of(path: Path, unknown: Counter[str]) -> Iterable[dict[str, Value]]:
    """Give the events of a file, a recording or standard input; raises InputError naming what is wrong.

    Of standard input it is also told as it is met, and raised when there is no more.
    """
    import sys

    from workbench.dataset.parquet import read_events
    from workbench.dataset.recording import Recording
    from workbench.errors import InputError
    from workbench.event import order, read_json_lines

    if str(path) == "-":
        return read_json_lines(sys.stdin.buffer, "-", unknown, _warn)
    if path.is_dir():
        return Recording.open(path).events()
    if not path.is_file():
        raise InputError(
            "no such file or recording", place=path, mend="give a .jsonl, a .parquet or a recording"
        )
    if path.suffix == ".parquet":
        return sorted(read_events(path), key=order)
    with path.open("rb") as lines:
        return sorted(read_json_lines(lines, str(path), unknown), key=order)


def _warn(fault: InputError) -> None:
    typer.echo(f"workbench: {fault}", err=True)


def _write_stats(file: Path, taken: list[int], by_rule: Counter[str], load_s: float) -> None:
    from resource import RUSAGE_SELF, getrusage

    import msgspec

    from workbench.files import write_aside

    ranked = sorted(taken)

    def share(part: float) -> float:
        return round(ranked[min(len(ranked) - 1, int(part * len(ranked)))] / 1_000, 2) if ranked else 0.0

    mean = round(sum(ranked) / len(ranked) / 1_000, 2) if ranked else 0.0
    stats = {
        "events": len(taken),
        "findings": by_rule.total(),
        "by_rule": dict(sorted(by_rule.items())),
        "load_s": round(load_s, 4),
        "rss_mb": round(getrusage(RUSAGE_SELF).ru_maxrss / 1_024, 1),
        "latency_us": {
            "mean": mean,
            "p50": share(0.5),
            "p99": share(0.99),
            "p99.9": share(0.999),
            "max": share(1.0),
        },
    }
    write_aside(file, msgspec.json.format(msgspec.json.encode(stats), indent=2) + b"\n")


def explain(
    pack: Pack,
    events: Events,
    event_id: Annotated[str, typer.Argument(metavar="EVENT_ID", help="the event to explain")],
    rule: Annotated[
        str,
        typer.Option("--rule", metavar="ID", help="a rule's id, name or title; all that fired when left out"),
    ] = "",
    trust: Trust = None,
    format: Format = "text",
) -> None:
    """Tell why rules fired on an event, or which condition of which step stopped one.

    Example: `workbench explain exfil.pack recordings/run-1 8f2c-41 --rule secret-egress`
    """
    from workbench.pack.keys import trusted_keys
    from workbench.scorer import Scorer
    from workbench.scorer.explain import explain_event

    scorer = Scorer.load(pack, trusted_keys(trust))
    told = explain_event(scorer, read_events_of(events, Counter()), event_id, rule)
    if format == "json":
        show_json({"event_id": event_id, "explanation": list(told)})
        return
    for line in told:
        typer.echo(printable_line(line))
