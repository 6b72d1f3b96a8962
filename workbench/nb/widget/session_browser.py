"""A session browser: find a session of a dataset, and look into it."""

from __future__ import annotations

from pathlib import Path

import traitlets

from workbench.dataset.dataset import Dataset
from workbench.dataset.recording import Recording
from workbench.errors import InputError
from workbench.nb.trial.place import DATASET, find
from workbench.nb.trial.runs import scenario_of
from workbench.nb.view.finding_table import FindingTable
from workbench.nb.view.page import table
from workbench.nb.view.process_tree import ProcessTree
from workbench.nb.view.timeline import Timeline
from workbench.nb.widget.base import Widget, script
from workbench.printable import printable
from workbench.scorer import Scorer

SHOWN = 1_000
_STATIC = 50


class SessionBrowser(Widget):
    """Sessions of a dataset; the one opened is shown as timeline, findings and process tree.

    With a scorer its findings are shown. Lists at most 1,000 sessions, and says so; the filter finds more.
    """

    _esm = script("session_browser.js")
    rows: traitlets.List[list[str]] = traitlets.List().tag(sync=True)
    detail = traitlets.Unicode("").tag(sync=True)

    def __init__(self, dataset: Dataset | Path | str = DATASET, scorer: Scorer | None = None) -> None:
        opened = dataset if isinstance(dataset, Dataset) else Dataset.open(find(dataset))
        self._recordings = {recording.path.name: recording for recording in opened.recordings()}
        self._all = [_row(recording) for recording in self._recordings.values()]
        self._scorer = scorer
        self._pristine = scorer.snapshot() if scorer else None
        super().__init__()
        self.do_filter("")

    def do_filter(self, text: str) -> None:
        """List the sessions whose line holds the text."""
        found = [row for row in self._all if text.casefold() in " ".join(row).casefold()]
        self.rows = found[:SHOWN]
        more = f", the first {SHOWN} shown" if len(found) > SHOWN else ""
        self.message = f"{len(found)} of {len(self._all)} sessions{more}"

    def do_open(self, name: str) -> None:
        """Show a session; raises InputError when there is none of this name."""
        if name not in self._recordings:
            raise InputError(f"no session {name!r}", mend="choose one of the list")
        events = list(self._recordings[name].events())
        found = []
        if self._scorer and self._pristine is not None:
            self._scorer.restore(self._pristine)
            found = [finding for event in events for finding in self._scorer.score(event)]
            found += self._scorer.close()
        views = (Timeline(events, found), FindingTable(found), ProcessTree(events, found))
        self.detail = "".join(view._repr_html_() for view in views if found or view is not views[1])

    def static(self) -> str:
        """Give the list, and the opened session."""
        more = f", the first {_STATIC} shown" if len(self.rows) > _STATIC else ""
        heads = ("session", "truth", "what")
        return table(f"{len(self.rows)} sessions{more}", heads, self.rows[:_STATIC]) + self.detail

    def __repr__(self) -> str:
        """Give the count."""
        return f"SessionBrowser: {len(self._all)} sessions"


def _row(recording: Recording) -> list[str]:
    session = recording.session
    seconds = (session.ended - session.started) / 1e9
    what = f"{scenario_of(recording)} · {session.agent} {session.agent_version} · {seconds:.0f} s"
    return [recording.path.name, "malicious" if recording.malicious else "benign", printable(what)]
