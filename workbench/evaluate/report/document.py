"""A report as JSON, and back."""

from __future__ import annotations

from pathlib import Path

import msgspec

from workbench.errors import InputError
from workbench.evaluate.backtest import Report
from workbench.evaluate.summary import summarise


def to_json(report: Report) -> bytes:
    """Give the whole report and its summary as JSON, keys sorted."""
    whole = {**msgspec.to_builtins(report), "summary": msgspec.to_builtins(summarise(report))}
    return msgspec.json.format(msgspec.json.encode(whole, order="sorted"), indent=1) + b"\n"


def read_report(path: Path) -> Report:
    """Read a report that `to_json` wrote; raises InputError naming the file."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", place=path, mend="check the path") from None
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        mend = "write it with `workbench backtest --json`"
        raise InputError(f"not a backtest's report: {error}", place=path, mend=mend) from None
