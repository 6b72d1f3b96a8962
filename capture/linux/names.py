"""Which name an address was resolved from, learnt from the DNS answers seen."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from workbench.event import Value

_CAPACITY = 16_384


class Names:
    """The last name that each address was answered for."""

    def __init__(self) -> None:
        self._by_address: OrderedDict[str, str] = OrderedDict()

    def learn(self, name: str, addresses: Iterable[str]) -> None:
        """Note an answer."""
        for address in addresses:
            self._by_address[address] = name
            self._by_address.move_to_end(address)
        while len(self._by_address) > _CAPACITY:
            self._by_address.popitem(last=False)

    def resolve(self, event: dict[str, Value]) -> dict[str, Value]:
        """Add `destination.domain` to an event whose destination was resolved before."""
        name = self._by_address.get(str(event.get("destination.ip", "")))
        if name:
            event["destination.domain"] = name
        return event
