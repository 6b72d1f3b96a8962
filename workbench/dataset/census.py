"""What a dataset holds, counted from its files: the figures its card shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from workbench.dataset.parquet import count_rows
from workbench.dataset.recording import Recording
from workbench.dataset.session import Loss


@dataclass
class Counts:
    """Recordings of one kind: how many, of which how many are malicious or benign twins, and their events."""

    recordings: int = 0
    malicious: int = 0
    twins: int = 0
    events: int = 0
    malicious_events: int = 0

    def add(self, recording: Recording) -> None:
        """Count a recording in."""
        labels = recording.count_labels()
        self.recordings += 1
        self.malicious += labels["malicious"] > 0
        self.twins += bool(recording.session.settings.get("twin_of"))
        self.events += count_rows(recording.path / "events.parquet")
        self.malicious_events += labels["malicious"]


@dataclass
class Census:
    """Counts by split, agent, scenario and mutator, and all losses together."""

    splits: dict[str, Counts] = field(default_factory=dict)
    agents: dict[str, Counts] = field(default_factory=dict)
    scenarios: dict[str, Counts] = field(default_factory=dict)
    mutators: dict[str, Counts] = field(default_factory=dict)
    loss: Loss = field(default_factory=Loss)


def census(recordings: Iterable[tuple[str, Recording]]) -> Census:
    """Count recordings, each given with its split."""
    found = Census()
    for split, recording in recordings:
        session, one = recording.session, Counts()
        one.add(recording)
        agent = f"{session.agent} {session.agent_version}".strip()
        for table, key in (
            (found.splits, split),
            (found.agents, agent),
            (found.scenarios, str(session.settings.get("scenario", ""))),
            (found.mutators, str(session.settings.get("mutator", ""))),
        ):
            if key or table is found.splits:
                _join(table.setdefault(key, Counts()), one)
        for name in ("dropped", "truncated", "reordered", "unattributed"):
            setattr(found.loss, name, getattr(found.loss, name) + getattr(session.loss, name))
        for name, count in session.loss.not_visible.items():
            found.loss.not_visible[name] = found.loss.not_visible.get(name, 0) + count
    return found


def _join(total: Counts, one: Counts) -> None:
    for name, value in vars(one).items():
        setattr(total, name, getattr(total, name) + value)
