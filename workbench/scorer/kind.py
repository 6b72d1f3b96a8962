"""The kinds of an event, by which a rule says what it looks at."""

from __future__ import annotations

from workbench.event import Event

SUCCESS = "/success"
"""What the kind of an action ends with that is wanted only where it did not fail."""


def kinds_of(event: Event) -> tuple[str, ...]:
    """Give an event's kinds: `category/action`, and with `/success` unless its outcome is a failure.

    >>> kinds_of({"event.category": "process", "event.action": "exec"})
    ('process/exec', 'process/exec/success')
    >>> kinds_of({"event.category": "process", "event.action": "exec", "event.outcome": "failure"})
    ('process/exec',)
    """
    kind = f"{event.get('event.category')}/{event.get('event.action')}"
    return (kind,) if event.get("event.outcome") == "failure" else (kind, kind + SUCCESS)
