"""Channels: what labelled processes sent to others over loopback and named sockets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from workbench.scorer.enrich.bounded import Bounded
from workbench.scorer.enrich.taint import Step, Taint, Ways


class Channel(NamedTuple):
    """One connection within the host, as one of its ends sees it.

    `out` and `into` are keys of what this end sends and gets: first of the very connection ("" when a port is
    not known), then of all connections to that server in that direction.
    """

    name: str
    out: tuple[str, str]
    into: tuple[str, str]


class Channels:
    """The labels that wait in connections within the host."""

    def __init__(self, cap: int) -> None:
        self._taints: Bounded[str, Taint] = Bounded(cap)
        self._servers: Bounded[str, str] = Bounded(cap)

    @property
    def evicted(self) -> int:
        """How many channels were forgotten for lack of room."""
        return self._taints.evicted

    def of(self, event: Mapping[str, Any], entity: str) -> Channel | None:
        """Give the channel of a network event, or None when it leaves the host or its end is unknown."""
        if event.get("network.type") == "unix":
            path = event.get("file.path") or event.get("destination.domain", "")
            ends = ("", f"unix:{path}" if path else "")
        elif event.get("destination.class") == "loopback" or event["event.action"] == "bind":
            ends = (_port(event.get("source.port")), _port(event.get("destination.port")))
        else:
            return None
        return self._between(*ends, event["event.action"], entity)

    def _between(self, source: str, target: str, action: str, entity: str) -> Channel | None:
        if action == "bind":
            self._servers.put(target or source, entity)
            return None
        if action == "accept":
            self._servers.put(target, entity)
        if not target:
            return None
        serves_target = self._servers.peek(target)
        if action == "accept" or serves_target == entity:
            client, server, serving = source, target, True
        elif serves_target is None and source and source in self._servers:
            client, server, serving = target, source, True
        else:
            client, server, serving = source, target, False
        to = (f"{client}>{server}" if client else "", f">{server}")
        back = (f"{server}>{client}" if client else "", f"{server}>")
        return Channel(server, back if serving else to, to if serving else back)

    def add(self, channel: Channel, steps: Iterable[tuple[str, Step]]) -> None:
        """Label what this end sends."""
        for label, step in steps:
            for key in filter(None, channel.out):
                taint = self._taints.get(key)
                if taint is None:
                    taint = Taint()
                    self._taints.put(key, taint)
                taint.add(label, step)

    def arriving(self, channel: Channel) -> Iterator[tuple[str, Taint]]:
        """Give what this end gets: by the very connection where it is known, else by the server's port."""
        for kind, key in zip(("channel", "port"), channel.into, strict=True):
            taint = self._taints.get(key) if key else None
            if taint is not None:
                yield kind, taint
                return

    def snapshot(self, ways: Ways) -> dict[str, Any]:
        """Give the state as plain data."""
        taints = [[key, ways.write(taint)] for key, taint in self._taints.items()]
        return {"taints": taints, "servers": dict(self._servers.items()), "evicted": self.evicted}

    def restore(self, data: Mapping[str, Any], ways: Ways) -> None:
        """Take up the state that `snapshot` gave."""
        self._taints.clear()
        self._servers.clear()
        for key, labels in data["taints"]:
            self._taints.put(key, ways.read(labels))
        for server, entity in data["servers"].items():
            self._servers.put(server, entity)
        self._taints.evicted = data["evicted"]


def _port(number: int | None) -> str:
    return f"localhost:{number}" if number else ""
