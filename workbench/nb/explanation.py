"""Why rules fired on an event of a dataset, or what stopped one."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from workbench.dataset.dataset import Dataset
from workbench.dataset.parquet import read_table
from workbench.dataset.recording import Recording
from workbench.errors import InputError
from workbench.evaluate.load import load_payload
from workbench.nb.view.page import page
from workbench.nb.view.plain import plain
from workbench.printable import printable
from workbench.scorer import Scorer
from workbench.scorer.explain import explain_event as tell


class Explanation:
    """Lines of an explanation; texts are escaped."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines

    def __repr__(self) -> str:
        """Give the lines."""
        return printable("\n".join(self.lines))

    def _repr_html_(self) -> str:
        return page(f"<pre>{plain(chr(10).join(self.lines))}</pre>", "explanation")


@lru_cache(maxsize=2)
def _payload(rules: Path) -> bytes:
    return load_payload(rules)


def explain_event(
    event_id: str, dataset: Path, rules: Path, recording: str = "", rule: str = ""
) -> Explanation:
    """Find the event and replay its recording up to it; raises InputError unless it is in exactly one."""
    holders = [
        directory
        for directory in Dataset.open(dataset).directories()
        if recording in ("", directory.name) and event_id in _ids(directory)
    ]
    if len(holders) != 1:
        names = ", ".join(holder.name for holder in holders[:8])
        cause = f"event {event_id!r} is in {names}" if holders else f"no event {event_id!r}"
        raise InputError(cause, place=dataset, mend="say which one with --in RECORDING")
    events = Recording.open(holders[0]).events()
    return Explanation(list(tell(Scorer.from_payload(_payload(rules)), events, event_id, rule)))


def _ids(directory: Path) -> set[str]:
    column = read_table(directory / "events.parquet", columns=["event.id"]).column(0)
    return set(column.to_pylist())
