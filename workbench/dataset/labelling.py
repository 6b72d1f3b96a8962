"""Label a recording by hand: ground truth, event by event or a whole tool call at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from workbench.dataset.dataset import MANIFEST
from workbench.dataset.label_faults import label_faults
from workbench.dataset.parquet import write_labels
from workbench.dataset.process_tree import ProcessTree
from workbench.dataset.recording import Recording
from workbench.dataset.session import Label
from workbench.errors import InputError
from workbench.event import Event
from workbench.files import write_aside

LABELS = ("malicious", "benign")
_CALL = "gen_ai.tool.call.id"


class Labelling:
    """A recording's labels, changed in memory until `save`; `by` is kept with each, as who labelled it."""

    def __init__(self, recording: Recording, by: str = "hand") -> None:
        self.recording, self.by = recording, by
        self.events: list[Event] = list(recording.events())
        self.labels = {label.event_id: label for label in recording.labels()}
        self._known = {str(event.get("event.id", "")): event for event in self.events}

    def mark(
        self, event_ids: Iterable[str], label: str, *, step: str = "", techniques: Iterable[str] = ()
    ) -> int:
        """Label events and say how many; "" takes a label away. Raises InputError for what is not there."""
        chosen = list(event_ids)
        if label not in (*LABELS, ""):
            raise InputError(f"no label {label!r}", mend=f"use {' or '.join(LABELS)}")
        if unknown := [one for one in chosen if one not in self._known]:
            raise InputError(f"no event {unknown[0]!r}", place=self.recording.path, mend="check the id")
        scenario = str(self.recording.session.settings.get("scenario", ""))
        for event_id in chosen:
            if not label:
                self.labels.pop(event_id, None)
                continue
            self.labels[event_id] = Label(
                event_id=event_id,
                label=label,
                scenario=scenario,
                step=step,
                techniques=list(techniques),
                labelled_by=self.by,
            )
        return len(chosen)

    def whole_of(self, event_id: str) -> list[str]:
        """Give the events of an event's tool call; without one, of its process and what that started."""
        event = self._known.get(event_id, {})
        if call := event.get(_CALL):
            return [name for name, other in self._known.items() if other.get(_CALL) == call]
        entity = str(event.get("process.entity_id", ""))
        if not entity:
            return [event_id]
        tree = ProcessTree(self.events)
        return [
            name
            for name, other in self._known.items()
            if entity in tree.line(str(other.get("process.entity_id", "")))
        ]

    def faults(self) -> Iterator[str]:
        """Tell what does not fit, as `workbench dataset validate` would."""
        labels = list(self.labels.values())
        return (cause for cause, _ in label_faults(self.events, labels, self.recording.session))

    def save(self) -> int:
        """Write `labels.parquet`, whole or not at all; raises InputError inside a released dataset."""
        directory = self.recording.path
        if (directory.parent.parent / MANIFEST).is_file():
            raise InputError(
                "belongs to a released dataset, which does not change",
                place=directory,
                mend="label a copy of the recording",
            )
        scratch = directory / ".labels.parquet"
        try:
            write_labels(scratch, self.labels.values())
            write_aside(directory / "labels.parquet", scratch.read_bytes())
        finally:
            scratch.unlink(missing_ok=True)
        return len(self.labels)
