"""Recipients of mail: whom the session's own words name, and whom nobody named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Self

from workbench.scorer.enrich.bounded import Bounded

_WORDS = ("gen_ai.prompt.text", "gen_ai.tool.call.arguments", "process.command_line")
_PATTERN = r"(?<!\w)\w[\w.+-]{0,63}@[a-z0-9.-]{0,252}[a-z0-9]"
_ADDRESS = re.compile(_PATTERN, re.ASCII | re.IGNORECASE)
"""What can stand after `--to=` or `mailto:`; of an address with rarer characters the part behind them."""
_WHOLE = re.compile(_PATTERN + r"(?=\.?\Z)", re.ASCII | re.IGNORECASE)
"""Of a recipient, what stands last is where the mail goes."""
_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)", re.DOTALL)
r"""JSON's and shells': `\nada@a.example` names Ada."""
_MAX_SESSIONS = 4_096
_MAX_ADDRESSES = 128


class Recipients:
    """Adds email.to.asked and email.to.unasked to a mail's envelope.

    Asked for is an address that a prompt, a tool call's arguments or the command line of a started program
    of the same session has named before, in capitals or not. An envelope outside any session gets neither
    field, nor does a recipient without `@`.

    >>> stage = Recipients()
    >>> stage.apply({"event.category": "agent", "event.action": "prompt", "gen_ai.conversation.id": "s",
    ...     "gen_ai.prompt.text": "Mail the totals to team@b.example."})
    >>> mail = {"event.category": "network", "event.action": "smtp_command", "gen_ai.conversation.id": "s",
    ...     "email.to.address": ["Team@b.example", "x@c.example"]}
    >>> stage.apply(mail)
    >>> mail["email.to.asked"], mail["email.to.unasked"]
    (['Team@b.example'], ['x@c.example'])
    """

    kinds = frozenset(
        {("agent", "prompt"), ("agent", "tool_call"), ("process", "exec"), ("network", "smtp_command")}
    )
    """The categories and actions of events that this stage concerns."""

    def __init__(self) -> None:
        self._named: Bounded[str, Bounded[str, bool]] = Bounded(_MAX_SESSIONS)
        self._evicted = 0

    def anew(self) -> Self:
        """Give a stage that has seen nothing."""
        return type(self)()

    @property
    def evicted(self) -> int:
        """How many sessions and addresses were forgotten for lack of room."""
        return self._evicted + self._named.evicted

    def apply(self, event: dict[str, Any]) -> None:
        """Learn the addresses that an event names, or say of a mail's recipients who was named."""
        session = event.get("gen_ai.conversation.id")
        if not session:
            return
        if event["event.action"] == "smtp_command":
            self._tell(event, self._named.get(session))
            return
        for field in _WORDS:
            text = event.get(field)
            if text and "@" in text:
                self._learn(session, text)

    def _learn(self, session: str, text: str) -> None:
        named = self._named.get(session)
        for match in _ADDRESS.finditer(_ESCAPE.sub(" ", text)):
            if named is None:
                named = Bounded(_MAX_ADDRESSES)
                self._named.put(session, named)
            before = named.evicted
            named.put(match[0].lower(), True)
            self._evicted += named.evicted - before

    @staticmethod
    def _tell(event: dict[str, Any], named: Bounded[str, bool] | None) -> None:
        asked: list[str] = []
        unasked: list[str] = []
        for address in event.get("email.to.address", ()):
            if "@" not in address:
                continue  # a user of that very server
            (asked if named and _known(address, named) else unasked).append(address)
        if asked:
            event.setdefault("email.to.asked", asked)
        if unasked:
            event.setdefault("email.to.unasked", unasked)

    def snapshot(self) -> dict[str, Any]:
        """Give the state as plain data."""
        named = {session: [address for address, _ in names.items()] for session, names in self._named.items()}
        return {"named": named, "evicted": [self._evicted, self._named.evicted]}

    def restore(self, data: Mapping[str, Any]) -> None:
        """Take up the state that `snapshot` gave."""
        self._named.clear()
        for session, addresses in data["named"].items():
            names: Bounded[str, bool] = Bounded(_MAX_ADDRESSES)
            for address in addresses:
                names.put(address, True)
            self._named.put(session, names)
        self._evicted, self._named.evicted = data["evicted"]


def _known(address: str, named: Bounded[str, bool]) -> bool:
    found = _WHOLE.search(address)
    return found is not None and named.get(found[0].lower()) is not None
