"""Connections denied in advance: blocking rules compiled to address blocks and ports for the kernel's filter.

A rule's condition may speak of the destination and of the labels of the data that a process holds. Each block
of the pack's destination registry, each block that a rule names, and what is left over is judged once for
each label; the kernel then needs one look-up. Classes that are lists of names become addresses as the session
resolves them, and labels follow the events: both can come too late for a quick process, which is then
contained.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from workbench.event import Event
from workbench.scorer.enrich.destinations import Destinations
from workbench.scorer.matcher import Matcher
from workbench.scorer.payload import Payload
from workbench.scorer.plan import Rule
from workbench.scorer.verdict import read_weights
from workbench.sensor.means.advance import SESSION, predicates_of, rules_in_advance

Network = IPv4Network | IPv6Network
Place = tuple[Network, int]

ALWAYS = 1 << 63
_FIELDS = frozenset({"destination.ip", "destination.port", "destination.class", "provenance.labels"})
_OPS = {"destination.ip": {"equals", "cidr"}, "destination.port": {"equals"}, "provenance.labels": {"equals"}}
_EVERYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))
_MOST_LABELS = 32


class Connections:
    """The places that a pack's rules deny, each with the labels that one must hold for it."""

    def __init__(self, payload: Payload, excepted: Callable[[str], bool] = lambda rule: False) -> None:
        """`excepted` tells which rules, by their id, are to be left out."""
        plan = payload.plan
        self._rules = plan.rules
        numbers = [
            number
            for number in rules_in_advance(payload, "network/connect", _FIELDS)
            if not excepted(plan.rules[number].id)
            and all(
                each.op in _OPS.get(each.field, {each.op})
                for each in predicates_of(payload, plan.rules[number])
            )
        ]
        told = [each for number in numbers for each in predicates_of(payload, plan.rules[number])]
        self._matcher = Matcher(plan, numbers) if numbers else None
        self._registry: Mapping[str, Any] = payload.registries.get("destinations", {})
        self._destinations = Destinations(self._registry) if self._registry else None
        self._sure = read_weights(payload.fusion)["block_confidence"]
        labels = [
            str(each.value) for each in told if each.field == "provenance.labels" and each.op == "equals"
        ]
        self.labels = {label: 1 << bit for bit, label in enumerate(dict.fromkeys(labels[:_MOST_LABELS]))}
        ports = [each.value for each in told if each.field == "destination.port" and each.op == "equals"]
        ports += [port for entry in self._registry.get("classes", ()) for port in entry.get("ports", ())]
        self._ports = [0, *sorted({int(port) for port in ports if str(port).isdecimal()})]
        blocks = [each.value for each in told if each.field == "destination.ip"]
        blocks += [cidr for entry in self._registry.get("classes", ()) for cidr in entry.get("cidrs", ())]
        self._blocks = [*_EVERYWHERE, *_networks(blocks)]

    def __bool__(self) -> bool:
        """Whether any rule could deny a connection."""
        return self._matcher is not None

    def rule(self, address: str, port: int, kind: str, labels: list[str]) -> Rule | None:
        """Give the rule that blocks the connection, None when none does."""
        if self._matcher is None:
            return None
        event: Event = {
            "@timestamp": time.time_ns(),
            "event.category": "network",
            "event.action": "connect",
            "event.outcome": "success",
            "destination.ip": address,
            "destination.port": port,
            "gen_ai.conversation.id": SESSION,
            **({"destination.class": kind} if kind else {}),
            **({"provenance.labels": labels} if labels else {}),
        }
        matched = self._matcher.match(event)
        return self._rules[matched[0]] if matched else None

    def places(self) -> dict[Place, int]:
        """Give blocks and ports (0: any other) with the labels it takes to deny them.

        A block that is not denied stands among them with no label: the narrowest block decides.
        """
        found: dict[Place, int] = {}
        for port in self._ports if self else ():
            for block in self._blocks:
                address = _apart(block, self._blocks)
                found[block, port] = (
                    self._labels(address, port, self.kind("", address, port)) if address else 0
                )
        return found if any(found.values()) else {}

    def resolved(self, event: Event) -> dict[Place, int]:
        """Give the places that a name's answers are, as a DNS event tells them."""
        name, addresses = event.get("dns.question.name"), event.get("dns.resolved_ip")
        if not (self and isinstance(name, str) and isinstance(addresses, list)):
            return {}
        return {
            (block, port): labels
            for block in _networks(addresses)
            for port in self._ports
            if (labels := self._labels(str(block[0]), port, self.kind(name, str(block[0]), port)))
        }

    def held(self, event: Event) -> int:
        """Give the labels that an enriched event shows its process to hold, where they are sure enough."""
        labels = event.get("provenance.labels")
        if not isinstance(labels, list) or float(str(event.get("provenance.confidence", 1.0))) < self._sure:
            return 0
        return sum(self.labels.get(label, 0) for label in labels)

    def names(self, labels: int) -> list[str]:
        """Give the labels of these bits."""
        return [label for label, bit in self.labels.items() if labels & bit]

    def kind(self, name: str, address: str, port: int) -> str:
        """Give the class of a destination, "" without a registry."""
        return self._destinations.classify(name, address, port) if self._destinations else ""

    def _labels(self, address: str, port: int, kind: str) -> int:
        if self.rule(address, port, kind, []):
            return ALWAYS
        return sum(bit for label, bit in self.labels.items() if self.rule(address, port, kind, [label]))


def _networks(blocks: list[Any]) -> Iterator[Network]:
    for block in dict.fromkeys(blocks):
        with suppress(ValueError):
            yield ip_network(str(block), strict=False)


def _apart(block: Network, blocks: list[Network]) -> str:
    """Give an address of the block that is in no narrower one, "" when none is found."""
    narrower = [each for each in blocks if each.prefixlen > block.prefixlen and each.version == block.version]
    size = block.num_addresses
    for at in {0, size - 1, size // 2, size // 3, size // 5, size // 7}:
        address = block[at]
        if not any(address in each for each in narrower):
            return str(address)
    return ""
