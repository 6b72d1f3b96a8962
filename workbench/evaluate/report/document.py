"""A report as JSON, and back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from workbench.errors import InputError
from workbench.evaluate.backtest import Report
from workbench.evaluate.summary import summarise


def to_json(report: Report) -> bytes:
    """Give the whole report and its summary as JSON, keys sorted."""
    return b"".join(json_parts(report))


def json_parts(report: Report) -> Iterator[bytes]:
    """Give what `to_json` gives a session at a time, so that a fleet's report is never held as text."""
    yield b'{\n "outcomes": ['
    for number, outcome in enumerate(report.outcomes):
        yield b",\n  " if number else b"\n  "
        yield _formatted(outcome).replace(b"\n", b"\n  ")
    yield b"\n ],\n" if report.outcomes else b"],\n"
    rest = {
        "rules": report.rules,
        "signals": report.signals,
        "summary": summarise(report),
        "verdict": report.verdict,
    }
    yield _formatted(rest).removeprefix(b"{\n") + b"\n"


def _formatted(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=1)


def read_report(path: Path) -> Report:
    """Read a report that `to_json` wrote; raises InputError naming the file."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", place=path, mend="check the path") from None
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        mend = "write it with `workbench backtest --json`"
        raise InputError(f"not a backtest's report: {error}", place=path, mend=mend) from None
