"""One field's predicates, and which of them hold for a value.

Values repeat heavily in real traces, so the answer for a value is remembered. Equal answers for equal values
is all that is assumed; with an empty cache the results are the same.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import reduce
from math import isfinite
from operator import or_
from typing import TYPE_CHECKING, Any

from workbench.event import Value, parse_timestamp
from workbench.scorer.cache import Cache
from workbench.scorer.plan import Predicate
from workbench.scorer.text import PatternSet, pattern_of

if TYPE_CHECKING:
    from workbench.scorer.networks import Networks

_BUDGET = 1_000_000  # the weight of a generation of a field's cache
_EXACT_FLOAT = 2**53
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}


def text_of(value: str | int | float | bool) -> str:
    """Give a scalar's text, which is what equality and patterns look at.

    >>> text_of("A"), text_of(443), text_of(2.0), text_of(0.5), text_of(True)
    ('A', '443', '2', '0.5', 'true')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT_FLOAT:
        return str(int(value))
    return str(value)


def number_of(value: str | int | float | bool) -> int | float | None:
    """Give the number that comparisons look at: a number, or a string that is wholly a plain decimal.

    >>> number_of(3), number_of("-4.5"), number_of("1e3"), number_of(True)
    (3, -4.5, None, None)
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value if isfinite(value) else None
    digits = value[1:] if value[:1] == "-" else value
    whole, dot, fraction = digits.partition(".")
    plain = whole.isdecimal() and (fraction.isdecimal() if dot else True)
    if not plain or len(value) > 32 or not value.isascii():
        return None
    return float(value) if dot else int(value)


def time_part(value: str | int | float | bool, part: str) -> int | None:
    """Give a part of a time in UTC: integers are nanoseconds since 1970, strings RFC 3339; weeks are ISO's.

    >>> time_part("2026-01-01T23:59:00Z", "hour"), time_part("2026-01-01T00:00:00Z", "week")
    (23, 1)
    """
    try:
        nanoseconds = parse_timestamp(value) if isinstance(value, str) else int(value)
        moment = datetime.fromtimestamp(nanoseconds // 1_000_000_000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return moment.isocalendar().week if part == "week" else int(getattr(moment, part))


class FieldIndex:
    """The predicates of one field; `bits(value)` has bit n set when predicate n holds, None is no value.

    `known` gives the same for a text and for None alone, and is faster.

    >>> index = FieldIndex([(0, Predicate("f", "equals", "SH")), (1, Predicate("f", "contains", "a"))])
    >>> index.bits("sh"), index.bits("Bash"), index.bits(["sh", "a"]), index.bits(None)
    (1, 2, 3, 0)
    """

    def __init__(self, predicates: Iterable[tuple[int, Predicate]]) -> None:
        self._absent = 0
        self._present = 0
        self._equals: dict[str, int] = {}
        self._cased_equals: dict[str, int] = {}
        self._tests: list[tuple[Callable[[Any], bool], int]] = []
        networks: list[tuple[str, int]] = []
        folded: list[tuple[str, int]] = []
        cased: list[tuple[str, int]] = []
        for number, predicate in predicates:
            bit = 1 << number
            match predicate.op:
                case "null":
                    self._absent |= bit
                case "exists":
                    if predicate.value:
                        self._present |= bit
                    else:
                        self._absent |= bit
                case "equals":
                    text = text_of(predicate.value)
                    table, key = (
                        (self._cased_equals, text) if predicate.cased else (self._equals, text.casefold())
                    )
                    table[key] = table.get(key, 0) | bit
                case "contains" | "startswith" | "endswith" | "like" | "regex":
                    raw = predicate.cased or predicate.op == "regex"
                    (cased if raw else folded).append((pattern_of(predicate), bit))
                case "cidr":
                    networks.append((predicate.value, bit))
                case _:
                    self._tests.append((_test(predicate), bit))
        self._folded = PatternSet(folded) if folded else None
        self._cased = PatternSet(cased) if cased else None
        self._either = (
            PatternSet(folded + cased) if folded and cased else None
        )  # for texts that fold to themselves
        self._networks = _networks(networks) if networks else None
        self.known: Cache[Any, int] = Cache(self._compute, _BUDGET)

    def bits(self, value: Value | None) -> int:
        """Give the bits of the predicates that hold for a value; a list holds what any element holds."""
        if value is None or value.__class__ is str:
            return self.known[value]
        if isinstance(value, list):
            return reduce(or_, map(self.bits, value), self._present)
        return self.known[value.__class__, value]  # 1, 1.0 and True are one key otherwise

    def _compute(self, key: Any) -> int:
        if key is None:
            return self._absent
        value = key[1] if key.__class__ is tuple else key
        text = value if value.__class__ is str else text_of(value)
        folded = text.casefold()
        bits = self._present | self._equals.get(folded, 0) | self._cased_equals.get(text, 0)
        if self._either and folded == text:
            bits |= self._either.match(text)
        else:
            if self._folded:
                bits |= self._folded.match(folded)
            if self._cased:
                bits |= self._cased.match(text)
        if self._networks:
            bits |= self._networks.bits(text)
        for test, bit in self._tests:
            if test(value):
                bits |= bit
        return bits


def _networks(networks: list[tuple[str, int]]) -> Networks:
    from workbench.scorer.networks import Networks  # noqa: PLC0415 - with sockets: for plans with networks

    return Networks(networks)


def _test(predicate: Predicate) -> Callable[[Any], bool]:
    expected = predicate.value
    if predicate.op == "time":
        part, wanted = expected
        return lambda value: time_part(value, part) == wanted
    compare = _COMPARE[predicate.op]
    return lambda value: (number := number_of(value)) is not None and compare(number, expected)
