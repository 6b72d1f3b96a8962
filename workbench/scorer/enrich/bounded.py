"""A mapping that stays small: of too many entries the retired and the least recently used are forgotten."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


MOST_RETIRED = 2_048


class Bounded(Generic[K, V]):
    """At most `cap` entries; storing one more forgets the least recently used and adds one to `evicted`.

    An entry that is of no more use unless events come late, such as that of an exited process, is retired: it
    goes before any other, and without being counted when `most_retired` were retired after it.

    >>> ages = Bounded[str, int](2)
    >>> for name in ("a", "b", "a", "c"):
    ...     _ = ages.put(name, len(name))
    >>> ages.get("b"), ages.get("a"), ages.evicted
    (None, 1, 1)
    """

    def __init__(self, cap: int, most_retired: int = MOST_RETIRED) -> None:
        self.cap = cap
        self.evicted = 0
        self._most_retired = most_retired
        self._entries: OrderedDict[K, V] = OrderedDict()
        self._retired: OrderedDict[K, None] = OrderedDict()
        self._use = self._entries.move_to_end
        self.peek: Callable[[K], V | None] = self._entries.get
        """Gives the entry without marking it as used, or None."""

    def get(self, key: K) -> V | None:
        """Give the entry and mark it as used, or None."""
        value = self.peek(key)
        if value is not None:
            self._use(key)
        return value

    def put(self, key: K, value: V) -> V | None:
        """Store an entry as the most recently used; give the value that was forgotten for it, if any."""
        entries = self._entries
        entries[key] = value
        entries.move_to_end(key)
        return self.forget() if len(entries) > self.cap else None

    def forget(self) -> V:
        """Forget an entry, counted, and give its value; raises KeyError when empty."""
        self.evicted += 1
        if self._retired:
            return self._entries.pop(self._retired.popitem(last=False)[0])
        return self._entries.popitem(last=False)[1]

    def retire(self, key: K) -> V | None:
        """Let an entry be among the first to be forgotten; give the value forgotten for it, if any."""
        if key in self._entries:
            self._retired[key] = None
            if len(self._retired) > self._most_retired:
                return self._entries.pop(self._retired.popitem(last=False)[0])
        return None

    def pop(self, key: K) -> V | None:
        """Remove and give an entry, or None."""
        self._retired.pop(key, None)
        return self._entries.pop(key, None)

    def retired(self) -> Iterable[K]:
        """Give the keys of the retired entries, in the order in which they are forgotten."""
        return self._retired

    def items(self) -> Iterable[tuple[K, V]]:
        """Give the entries, least recently used first."""
        return self._entries.items()

    def values(self) -> Iterable[V]:
        """Give the values, least recently used first."""
        return self._entries.values()

    def clear(self) -> None:
        """Forget everything, uncounted."""
        self._entries.clear()
        self._retired.clear()

    def __len__(self) -> int:
        """Count the entries."""
        return len(self._entries)

    def __contains__(self, key: K) -> bool:
        """Whether there is such an entry; not a use."""
        return key in self._entries
