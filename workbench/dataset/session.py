"""A recording's metadata: which agent ran where, how it was captured, and what was lost."""

from __future__ import annotations

from typing import Any

import msgspec


class Loss(msgspec.Struct, kw_only=True):
    """Counted gaps of a recording; `detail` locates them, such as `{"ring_full": 12}`."""

    dropped: int = 0
    truncated: int = 0
    reordered: int = 0
    unattributed: int = 0
    not_visible: dict[str, int] = {}
    detail: dict[str, int] = {}

    def total(self) -> int:
        """Count the events known to be missing.

        >>> Loss(dropped=3, truncated=2, not_visible={"io_uring": 1}).total()
        4
        """
        return self.dropped + sum(self.not_visible.values())


class Session(msgspec.Struct, kw_only=True):
    """What `session.json` holds; times are nanoseconds since 1970."""

    id: str
    agent: str = "unknown"
    agent_version: str = ""
    source: str = ""
    command: list[str] = []
    host: str = ""
    boot: str = ""
    kernel: str = ""
    started: int = 0
    ended: int = 0
    root_entity_id: str = ""
    exit_code: int | None = None
    sent: int = 0
    received: int = 0
    loss: Loss = msgspec.field(default_factory=Loss)
    unknown_fields: dict[str, int] = {}
    settings: dict[str, Any] = {}
    cannot_see: list[str] = []
    notes: list[str] = []


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """Ground truth on one event."""

    event_id: str
    label: str
    scenario: str = ""
    step: str = ""
    techniques: list[str] = []
    labelled_by: str = "construction"
