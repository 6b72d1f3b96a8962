"""Destinations: what kind of place a connection goes to, and whether the session was there before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from functools import lru_cache
from typing import Any, Self

from workbench.fields import ACTIONS
from workbench.scorer.enrich.bounded import Bounded

_NAMES = ("destination.domain", "url.domain", "tls.client.server_name")
_CACHE = 8_192
_MAX_SESSIONS = 4_096
_MAX_PLACES = 4_096
_MAX_LABELS = 16
_LONGEST_NAME = 253


class Destinations:
    """Adds destination.class and destination.first_seen to network events, by the registry's table.

    A class holds a destination when its table lists the name (or a parent domain of it), a block that holds
    the address, or the port. Of several classes the one listed first in the registry wins, so the table's
    order is the precedence. What no class lists is the registry's `default` (`single_label` for a bare name).
    A DNS question is classed by the name asked for, because that is where its data ends.
    """

    kinds = frozenset(("network", action) for action in ACTIONS["network"])
    """The events that lead anywhere."""

    def __init__(self, registry: Mapping[str, Any], *, max_sessions: int = _MAX_SESSIONS) -> None:
        from workbench.scorer import networks  # noqa: PLC0415 - with sockets: only where there is a registry

        self._address = networks.address_bytes
        # Every class is a bit, by its rank: the lowest that is set wins.
        self._classes: list[str] = [entry["name"] for entry in registry["classes"]]
        self._suffixes: dict[str, int] = {}
        self._ports: dict[int, int] = {}
        blocks: list[tuple[str, int]] = []
        for rank, entry in enumerate(registry["classes"]):
            bit = 1 << rank
            blocks += [(cidr, bit) for cidr in entry.get("cidrs", ())]
            for domain in entry.get("domains", ()):
                self._suffixes.setdefault(domain.lower().strip("."), bit)
            for port in entry.get("ports", ()):
                self._ports.setdefault(port, bit)
        self._networks = networks.Networks(blocks)
        self._default: str = registry["default"]
        self._single_label: str = registry["single_label"]
        self.classify = lru_cache(maxsize=_CACHE)(self._classify)
        self._max_sessions = max_sessions
        self._forget()

    def _forget(self) -> None:
        self._seen: Bounded[str, Bounded[tuple[str, str], bool]] = Bounded(self._max_sessions)
        self._evicted = 0

    def anew(self) -> Self:
        """Give a stage of the same registry that has seen nothing."""
        other = copy(self)
        other._forget()
        return other

    @property
    def evicted(self) -> int:
        """How many sessions and destinations were forgotten for lack of room."""
        return self._evicted + self._seen.evicted

    def _classify(self, name: str, ip: str, port: int) -> str:
        """Give the class of a destination; "" when neither name nor address is known.

        Cached: a run names the same few places over and over.
        """
        bits = self._ports.get(port, 0)
        labels = name.lower().strip(".").split(".")[-_MAX_LABELS:] if name else []
        for start in range(len(labels)):
            bits |= self._suffixes.get(".".join(labels[start:]), 0)
        address = self._address(ip or name)
        if address is not None:
            bits |= self._networks.bits_of(address)
        if bits:
            return self._classes[(bits & -bits).bit_length() - 1]
        if address is None and len(labels) == 1:
            return self._single_label
        return self._default if labels or address is not None else ""

    def apply(self, event: dict[str, Any]) -> None:
        """Add destination.class and destination.first_seen to a network event."""
        if event["event.category"] != "network":
            return
        action = event["event.action"]
        ip = event.get("destination.ip", "")
        if action == "dns":
            name, ip = event.get("dns.question.name", ""), ""
        else:
            name = next((event[field] for field in _NAMES if field in event), "")
            if event.get("network.type") == "unix":
                ip = "127.0.0.1"  # never leaves the host, as loopback
        kind = self.classify(name[-_LONGEST_NAME:], ip[:64], event.get("destination.port", 0))
        if not kind:
            return
        event.setdefault("destination.class", kind)
        if "destination.first_seen" not in event:
            event["destination.first_seen"] = self._first_seen(event, action, name or ip)

    def _first_seen(self, event: Mapping[str, Any], action: str, place: str) -> bool:
        session = event.get("gen_ai.conversation.id", "")
        places = self._seen.get(session)
        if places is None:
            places = Bounded(_MAX_PLACES)
            self._seen.put(session, places)
        key = (action, place.lower()[-_LONGEST_NAME:])
        if places.get(key):
            return False
        before = places.evicted
        places.put(key, True)
        self._evicted += places.evicted - before
        return True

    def snapshot(self) -> dict[str, Any]:
        """Give the state as plain data."""
        seen = {session: [list(key) for key, _ in places.items()] for session, places in self._seen.items()}
        return {"seen": seen, "evicted": [self._evicted, self._seen.evicted]}

    def restore(self, data: Mapping[str, Any]) -> None:
        """Take up the state that `snapshot` gave."""
        self._seen.clear()
        for session, keys in data["seen"].items():
            self._seen.put(session, _places(keys))
        self._evicted, self._seen.evicted = data["evicted"]


def _places(keys: Iterable[list[str]]) -> Bounded[tuple[str, str], bool]:
    places: Bounded[tuple[str, str], bool] = Bounded(_MAX_PLACES)
    for action, place in keys:
        places.put((action, place), True)
    return places
