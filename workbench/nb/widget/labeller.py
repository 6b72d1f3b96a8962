"""A labeller: the events of a recording, labelled with single keys."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path

import traitlets

from workbench.dataset.labelling import Labelling
from workbench.dataset.recording import Recording
from workbench.event import Event, integer
from workbench.nb.view.figure import cut
from workbench.nb.view.page import table
from workbench.nb.widget.base import Widget, script
from workbench.printable import printable

SHOWN = 1_000
_STATIC = 30
# What an event is about, first; whose it is, last.
_NAMES = (
    *("file.path", "dns.question.name", "destination.domain", "destination.ip"),
    *("gen_ai.tool.call.arguments", "gen_ai.prompt.text", "gen_ai.tool.name", "process.command_line"),
)


class Labeller(Widget):
    """Label events with `m`, `b` and `u`, or whole tool calls after `c`; `s` saves `labels.parquet`.

    Shows at most 1,000 events, and says so: the filter finds the others. `labelling` is what it works on.
    """

    _esm = script("labeller.js")
    rows: traitlets.List[list[str]] = traitlets.List().tag(sync=True)
    marks = traitlets.Dict().tag(sync=True)
    step = traitlets.Unicode("").tag(sync=True)
    techniques = traitlets.Unicode("").tag(sync=True)

    def __init__(self, recording: Recording | Path | str, by: str = "hand") -> None:
        opened = recording if isinstance(recording, Recording) else Recording.open(recording)
        self.labelling = Labelling(opened, by)
        self._begin = min((integer(event, "@timestamp") for event in self.labelling.events), default=0)
        super().__init__()
        self._show_marks()
        self.do_filter("")

    def do_filter(self, text: str) -> None:
        """Show the events whose line holds the text."""
        wanted = text.casefold()
        told = map(self._row, self.labelling.events)
        found = [row for row in told if wanted in " ".join(row).casefold()]
        self.rows = found[:SHOWN]
        more = f", the first {SHOWN} shown" if len(found) > SHOWN else ""
        self.message = f"{len(found)} of {len(self.labelling.events)} events{more}; {self._counts()}"

    def do_mark(self, event: str, label: str, whole: bool, step: str, techniques: str) -> None:
        """Label an event, or all of its tool call."""
        chosen = self.labelling.whole_of(event) if whole else [event]
        named = techniques.replace(",", " ").split()
        malicious = label == "malicious"
        self.labelling.mark(
            chosen, label, step=step if malicious else "", techniques=named if malicious else ()
        )
        self.step, self.techniques = step, techniques
        self._show_marks()
        self.message = f"{self._counts()}, not saved"

    def do_save(self) -> None:
        """Save, and tell what does not fit."""
        count = self.labelling.save()
        faults = list(self.labelling.faults())
        self.message = f"{count} labels saved" + "".join(f"; {fault}" for fault in faults)

    def _show_marks(self) -> None:
        self.marks = {name: label.label for name, label in self.labelling.labels.items()}

    def _counts(self) -> str:
        counts = Counter(label.label for label in self.labelling.labels.values())
        return ", ".join(f"{count} {label}" for label, count in sorted(counts.items())) or "no labels"

    def _row(self, event: Event) -> list[str]:
        seconds = (integer(event, "@timestamp") - self._begin) / 1e9
        told = next((str(event[name]) for name in _NAMES if name in event), "")
        kind = f"{event['event.category']}/{event['event.action']}"
        what = printable(cut(told.replace("\n", "⏎"), 140))
        call = printable(str(event.get("gen_ai.tool.call.id", "")))
        return [str(event.get("event.id", "")), f"{seconds:9.3f} s", f"{kind:16} {what}", call]

    def static(self) -> str:
        """Give the labels by step, and the first labelled events."""
        labels = self.labelling.labels
        rows = (self._row(one) for one in self.labelling.events if str(one.get("event.id", "")) in labels)
        told = [(labels[row[0]].label, labels[row[0]].step, *row[:3]) for row in islice(rows, _STATIC)]
        more = f", the first {_STATIC} shown" if len(labels) > _STATIC else ""
        heads = ("label", "step", "event", "time", "what")
        return table(f"{self._counts()} of {len(self.labelling.events)} events{more}", heads, told)

    def __repr__(self) -> str:
        """Give the counts."""
        return f"Labeller: {len(self.labelling.events)} events, {self._counts()}"
