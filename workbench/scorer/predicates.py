"""Which predicates hold for an event, as bits: one index a field for all rules and kinds of events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from operator import itemgetter

from workbench.event import TIMESTAMPS, Event, Value
from workbench.fields import FIELDS
from workbench.scorer.field_index import FieldIndex, text_of
from workbench.scorer.plan import KEYWORD, Predicate

EventTest = Callable[[Event], bool]
Source = tuple[str, bool] | int
"""What is decided at once: of a field, the predicates looked for first, or the others; or a comparison."""


class Reading:
    """Some fields of an event, read for the bits of their predicates."""

    __slots__ = ("_keywords", "_others", "_references", "_texts", "_wide")

    def __init__(
        self,
        indexes: Iterable[tuple[str, FieldIndex]],
        references: Iterable[tuple[EventTest, int]],
    ) -> None:
        ordered = sorted(indexes, key=itemgetter(0))
        self._keywords = next((index for name, index in ordered if name == KEYWORD), None)
        self._texts = [(name, index.known) for name, index in ordered if _is_text(name)]
        self._others = [
            (name, index.bits, index.known[None])
            for name, index in ordered
            if name != KEYWORD and not _is_text(name)
        ]
        self._references = list(references)
        self._wide = bool(self._keywords or self._references)

    def bits(self, event: Event) -> int:
        """Give the bits of every predicate on these fields that holds for the event."""
        get = event.get
        bits = 0
        for name, known in self._texts:
            bits |= known[get(name)]
        for name, bits_of, absent in self._others:
            value = get(name)
            bits |= absent if value is None else bits_of(value)
        return bits | self._beyond(event) if self._wide else bits

    def _beyond(self, event: Event) -> int:
        bits = _keyword_bits(self._keywords, event) if self._keywords else 0
        for test, bit in self._references:
            if test(event):
                bits |= bit
        return bits


class Predicates:
    """Predicates with a number each; bit n stands for number n.

    What a value's bits are is remembered for the field, so a text is looked through once, however many
    readings there are of it; for the predicates in `first`, apart from the others of their field, which most
    texts then need not be looked through for at all.
    """

    def __init__(self, predicates: Iterable[tuple[int, Predicate]], first: Collection[int] = ()) -> None:
        indexed: dict[tuple[str, bool], list[tuple[int, Predicate]]] = defaultdict(list)
        self._references: dict[int, EventTest] = {}
        for number, predicate in predicates:
            if predicate.op == "fieldref":
                self._references[number] = _reference(predicate)
            else:
                early = number in first and predicate.field != KEYWORD
                indexed[predicate.field, early].append((number, predicate))
        self._indexes = {source: FieldIndex(found) for source, found in indexed.items()}
        self._sources: dict[int, Source] = {
            number: source for source, found in indexed.items() for number, _ in found
        }
        self._readings: dict[frozenset[Source], Reading] = {}
        self.bits = self.reading(self.sources([*self._sources, *self._references])).bits

    def sources(self, numbers: Iterable[int]) -> frozenset[Source]:
        """Give where these predicates are decided, each with others."""
        return frozenset(self._sources.get(number, number) for number in numbers)

    def reading(self, sources: frozenset[Source]) -> Reading:
        """Give a reading of these."""
        known = self._readings.get(sources)
        if known is None:
            known = self._readings[sources] = Reading(
                [(source[0], self._indexes[source]) for source in sources if isinstance(source, tuple)],
                [(self._references[each], 1 << each) for each in sources if isinstance(each, int)],
            )
        return known


def _is_text(field: str) -> bool:
    return field in FIELDS and FIELDS[field].kind == "string"


def _keyword_bits(index: FieldIndex, event: Event) -> int:
    """Give the bits of the keywords found in any value of the event; times are left out."""
    bits = 0
    for name, value in event.items():
        if name not in TIMESTAMPS:
            bits |= index.bits(value)
    return bits


def _texts(value: Value | None) -> list[str]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [text_of(value)]


def _reference(predicate: Predicate) -> EventTest:
    """Compare a field with another; lists compare as any of their elements."""
    field = predicate.field
    other, part = predicate.value
    comparisons: dict[str, Callable[[str, str], bool]] = {
        "whole": str.__eq__,
        "start": str.startswith,
        "end": str.endswith,
        "any": str.__contains__,
    }
    compare = comparisons[part]

    def test(event: Event) -> bool:
        mine, theirs = _texts(event.get(field)), _texts(event.get(other))
        if not predicate.cased:
            mine, theirs = [text.casefold() for text in mine], [text.casefold() for text in theirs]
        return any(compare(left, right) for left in mine for right in theirs)

    return test
