"""Sigma values to predicates of the plan."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from ipaddress import IPv4Network, IPv6Network
from math import prod
from operator import add
from typing import Any

import re2
from sigma.types import (
    Placeholder,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SigmaTimestampPart,
    SigmaType,
    SpecialChars,
)

from workbench.rule.expression import compile_expression
from workbench.scorer.field_index import text_of
from workbench.scorer.plan import ANY_ONE, ANY_RUN, KEYWORD, Predicate
from workbench.scorer.text import MOST_INSTRUCTIONS, pattern_of
from workbench.scorer.window import COMPARE

_MAPPED = 96  # the bits before the IPv4 address in an IPv4-mapped one
_EXPANSIONS = 10_000
_LONG = 1_000  # characters of a text, up to which it is never too large
_EXACT = 2**53  # above which a float does not tell whole numbers apart
_WILDCARDS = {SpecialChars.WILDCARD_MULTI: ANY_RUN, SpecialChars.WILDCARD_SINGLE: ANY_ONE}
Resolve = Callable[[str], str]


class ValueFault(Exception):
    """A value that cannot be honoured: `code`, cause and mend, for who knows the place."""

    def __init__(self, cause: str, code: str, mend: str) -> None:
        self.cause, self.code, self.mend = cause, code, mend
        super().__init__(cause)


class Values:
    """Turns values into predicates; `placeholders` are the values of `%name%`, `resolve` knows the fields."""

    def __init__(self, placeholders: Mapping[str, Sequence[str]], resolve: Resolve) -> None:
        self._placeholders = placeholders
        self._resolve = resolve

    def predicates(self, field: str, value: SigmaType) -> list[Predicate]:
        """Give the predicates of which any must hold for `field` to have `value`; raises ValueFault."""
        if isinstance(value, SigmaExpansion):
            return [found for part in value.values for found in self.predicates(field, part)]
        if isinstance(value, SigmaRegularExpression) and value.contains_placeholder():
            return [Predicate(field, "regex", _regex(part), cased=True) for part in self._filled(value)]
        if isinstance(value, SigmaString) and value.contains_placeholder():
            replaced = self._replaced(value)
            parts = [cased(part) for part in replaced] if isinstance(value, SigmaCasedString) else replaced
            return [found for part in parts for found in self.predicates(field, part)]
        if isinstance(value, SigmaTimestampPart):
            return _times(field, value, "eq")
        if isinstance(value, SigmaCompareExpression) and isinstance(value.number, SigmaTimestampPart):
            return _times(field, value.number, value.op.name.lower())
        return [self._predicate(field, value)]

    def _filled(self, value: SigmaRegularExpression) -> Iterator[SigmaRegularExpression]:
        """Give an expression for each choice of values, which are expressions too: nothing is escaped."""
        for chosen in self._choices([_plain(part) for part in value.regexp.s], str):
            yield SigmaRegularExpression("".join(chosen), value.flags)

    def _replaced(self, value: SigmaString) -> Iterator[SigmaString]:
        """Give a text for each choice of values, which may hold wildcards as any text may."""
        for chosen in self._choices(value.s, SigmaString):
            yield reduce(add, chosen, SigmaString())

    def _choices(self, parts: Sequence[Any], make: Callable[[str], Any]) -> Iterator[tuple[Any, ...]]:
        """Give the parts with every choice of values for the placeholders among them, made what is wanted."""
        choices = [
            tuple(map(make, self._values_of(part))) if isinstance(part, Placeholder) else (part,)
            for part in parts
        ]
        if prod(map(len, choices)) > _EXPANSIONS:
            cause = f"the placeholders have more than {_EXPANSIONS:,} combinations of values"
            raise ValueFault(cause, "placeholder", "use fewer in one value")
        return itertools.product(*choices)

    def _values_of(self, placeholder: Placeholder) -> Sequence[str]:
        values = self._placeholders.get(placeholder.name)
        if not values:
            raise ValueFault(
                f"placeholder %{placeholder.name}% has no values",
                "placeholder",
                "give them in placeholders.yml or with --placeholders",
            )
        return values

    def _predicate(self, field: str, value: SigmaType) -> Predicate:  # noqa: PLR0911 - one for each type
        match value:
            case SigmaString():
                return _text(field, value)
            case SigmaNumber() | SigmaBool():
                return _scalar(field, value)
            case SigmaNull() if field != KEYWORD:
                return Predicate(field, "null")
            case SigmaExists():
                return Predicate(field, "exists", bool(value))
            case SigmaRegularExpression():
                return Predicate(field, "regex", _regex(value), cased=True)
            case SigmaCIDRExpression():
                return Predicate(field, "cidr", _network(value.network))
            case SigmaCompareExpression():
                return self._comparison(field, value)
            case SigmaFieldReference():
                other = self._resolve(value.field), _part(value)
                return Predicate(field, "fieldref", other, isinstance(value, CasedReference))
        what = "null" if isinstance(value, SigmaNull) else f"a value of type {type(value).__name__}"
        raise ValueFault(f"{what} cannot be matched", "value", "write it as a string or number")

    @staticmethod
    def _comparison(field: str, value: SigmaCompareExpression) -> Predicate:
        name = value.op.name.lower()
        if name == "lt":
            return Predicate(field, "lt", value.number.number)
        if name == "lte":
            return Predicate(field, "lte", value.number.number)
        if name == "gt":
            return Predicate(field, "gt", value.number.number)
        if name == "gte":
            return Predicate(field, "gte", value.number.number)
        raise ValueFault(f"comparison {name} is unknown", "modifier", "use lt, lte, gt or gte")


def _plain(part: Any) -> Any:
    """Give a part of an expression as written: its stars and question marks are no wildcards."""
    if not isinstance(part, SpecialChars):
        return part
    return "*" if part is SpecialChars.WILDCARD_MULTI else "?"


_TIMES = {
    "minute": range(60),
    "hour": range(24),
    "day": range(1, 32),
    "week": range(1, 54),
    "month": range(1, 13),
    "year": range(1970, 2263),
}
"""The numbers that a part of a time can be; years as far as nanoseconds since 1970 reach."""


def _times(field: str, value: SigmaTimestampPart, compare: str) -> list[Predicate]:
    """Give the predicates of which any must hold for a part of a time to be so."""
    part, wanted = value.timestamp_part.name.lower(), int(value.number)
    found = [number for number in _TIMES[part] if COMPARE[compare](number, wanted)]
    if not found:
        cause = f"no {part} is {wanted}" if compare == "eq" else f"no {part} is {compare} {wanted}"
        raise ValueFault(cause, "value", f"from {_TIMES[part][0]} to {_TIMES[part][-1]}")
    return [Predicate(field, "time", (part, number)) for number in found]


def _scalar(field: str, value: SigmaNumber | SigmaBool) -> Predicate:
    """Give the predicate of a number or boolean, which as a keyword is text like any other."""
    plain = value.boolean if isinstance(value, SigmaBool) else value.number
    if isinstance(plain, float) and abs(plain) >= _EXACT:
        cause = "a number of so many digits is not kept exactly"
        raise ValueFault(cause, "value", "put it in quotes")
    return (
        Predicate(field, "contains", text_of(plain))
        if field == KEYWORD
        else Predicate(field, "equals", plain)
    )


def _network(network: IPv4Network | IPv6Network) -> str:
    """Give a network as addresses are compared: one of IPv4-mapped addresses is that of the IPv4 ones.

    >>> _network(IPv6Network("::ffff:10.0.0.0/104")), _network(IPv6Network("2001:db8::/32"))
    ('10.0.0.0/8', '2001:db8::/32')
    """
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if mapped and network.prefixlen >= _MAPPED:
        return f"{mapped}/{network.prefixlen - _MAPPED}"
    return str(network)


class CasedReference(SigmaFieldReference):
    """A reference to another field that tells case apart."""


def cased(value: SigmaType) -> SigmaType:
    """Give a value that tells case apart, where it is text, an expansion of texts, or another field."""
    if isinstance(value, SigmaExpansion):
        return SigmaExpansion([cased(part) for part in value.values])
    if isinstance(value, SigmaFieldReference):
        return CasedReference(value.field, value.starts_with, value.ends_with)
    if isinstance(value, SigmaString) and not isinstance(value, SigmaCasedString):
        return SigmaCasedString.from_sigma_string(value)
    return value


def _part(value: SigmaFieldReference) -> str:
    if value.starts_with and value.ends_with:
        return "any"
    if value.starts_with:
        return "start"
    return "end" if value.ends_with else "whole"


def _regex(value: SigmaRegularExpression) -> str:
    flags = "".join(sorted(value.sigma_to_re_flag[flag] for flag in value.flags))
    pattern = f"(?{flags}){value.regexp}" if flags else str(value.regexp)
    try:
        size = compile_expression(pattern).programsize
    except re2.error as error:
        raise ValueFault(
            f"RE2 cannot take the expression: {error}",
            "regex",
            "RE2 has no look-around, no back-references and no repetition above 1,000; write it without",
        ) from None
    _check_size(size)
    return pattern


def _check_size(size: int) -> None:
    if size > MOST_INSTRUCTIONS:
        raise ValueFault(
            f"the expression is too large: {size:,} instructions of RE2, {MOST_INSTRUCTIONS:,} at most",
            "regex",
            "write shorter repetitions, or split it",
        )


def _text(field: str, value: SigmaString) -> Predicate:
    """Give the plainest predicate that means the string with its wildcards.

    >>> _text("f", SigmaString("*/curl")).op, _text("f", SigmaString("a*c?")).value
    ('endswith', ['a', 0, 'c', 1])
    """
    cased = isinstance(value, SigmaCasedString)
    parts: list[Any] = [part if isinstance(part, str) else _WILDCARDS[part] for part in value.s]  # type: ignore[index]  # pySigma
    if field == KEYWORD:  # a keyword is looked for anywhere in a value
        parts = [ANY_RUN, *parts, ANY_RUN]
    parts = _join(parts)
    match parts:
        case []:
            return Predicate(field, "equals", "", cased)
        case [0]:
            return Predicate(field, "exists", value=True)
        case [str(text)]:
            return Predicate(field, "equals", text, cased)
        case [0, str(text), 0]:
            found = Predicate(field, "contains", text, cased)
        case [str(text), 0]:
            found = Predicate(field, "startswith", text, cased)
        case [0, str(text)]:
            found = Predicate(field, "endswith", text, cased)
        case _:
            found = Predicate(field, "like", parts, cased)
    if len(value) > _LONG:
        _check_size(compile_expression(pattern_of(found)).programsize)
    return found


def _join(parts: list[Any]) -> list[Any]:
    """Join neighbouring texts, and runs of `*`, into one; leave out empty texts."""
    joined: list[Any] = []
    for part in parts:
        if part == "":
            continue
        if joined and isinstance(part, str) and isinstance(joined[-1], str):
            joined[-1] += part
        elif not (joined and part == ANY_RUN and joined[-1] == ANY_RUN and not isinstance(part, str)):
            joined.append(part)
    return joined
