"""Sigma values to predicates of the plan."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from workbench.scorer.plan import ANY_ONE, ANY_RUN, KEYWORD, Predicate
from workbench.scorer.text import MOST_INSTRUCTIONS

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
            replaced = value.replace_placeholders(self._fill)
            return [found for part in replaced for found in self.predicates(field, part)]
        return [self._predicate(field, value)]

    def _filled(self, value: SigmaRegularExpression) -> Iterator[SigmaRegularExpression]:
        """Give an expression for each choice of values, which are expressions too: nothing is escaped."""
        parts = value.regexp.s
        choices = [self._fill(part) if isinstance(part, Placeholder) else (_plain(part),) for part in parts]
        for chosen in itertools.product(*choices):
            yield SigmaRegularExpression("".join(chosen), value.flags)

    def _fill(self, placeholder: Placeholder) -> Iterator[str]:
        values = self._placeholders.get(placeholder.name)
        if values is None:
            raise ValueFault(
                f"placeholder %{placeholder.name}% has no values",
                "placeholder",
                "give them in placeholders.yml or with --placeholders",
            )
        yield from values

    def _predicate(self, field: str, value: SigmaType) -> Predicate:  # noqa: PLR0911 - one for each type
        match value:
            case SigmaString():
                return _text(field, value)
            case SigmaTimestampPart():
                part = value.timestamp_part.name.lower()
                return Predicate(field, "time", (part, int(value.number)))
            case SigmaNumber():
                return Predicate(
                    field, "contains" if field == KEYWORD else "equals", _keyword(field, value.number)
                )
            case SigmaBool():
                return Predicate(field, "equals", value.boolean)
            case SigmaNull():
                return Predicate(field, "null")
            case SigmaExists():
                return Predicate(field, "exists", bool(value))
            case SigmaRegularExpression():
                return Predicate(field, "regex", _regex(value), cased=True)
            case SigmaCIDRExpression():
                return Predicate(field, "cidr", str(value.network))
            case SigmaCompareExpression():
                return self._comparison(field, value)
            case SigmaFieldReference():
                return Predicate(field, "fieldref", (self._resolve(value.field), _part(value)))
        raise ValueFault(
            f"a value of type {type(value).__name__} cannot be matched",
            "value",
            "write it as a string or number",
        )

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


def _plain(part: str | SpecialChars) -> str:
    """Give a part of an expression as written: its stars and question marks are no wildcards."""
    if isinstance(part, str):
        return part
    return "*" if part is SpecialChars.WILDCARD_MULTI else "?"


def _keyword(field: str, number: int | float) -> int | float | str:
    return str(number) if field == KEYWORD else number


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
            "RE2 has no look-around and no back-references; write it without",
        ) from None
    if size > MOST_INSTRUCTIONS:
        raise ValueFault(
            f"the expression is too large: {size:,} instructions of RE2, {MOST_INSTRUCTIONS:,} at most",
            "regex",
            "write shorter repetitions, or split it",
        )
    return pattern


def _text(field: str, value: SigmaString) -> Predicate:  # noqa: PLR0911 - one for each shape
    """Give the plainest predicate that means the string with its wildcards.

    >>> _text("f", SigmaString("*/curl")).op, _text("f", SigmaString("a*c?")).value
    ('endswith', ['a', 0, 'c', 1])
    """
    cased = isinstance(value, SigmaCasedString)
    parts: list[Any] = [part if isinstance(part, str) else _WILDCARDS[part] for part in value.s]  # type: ignore[index]
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
            return Predicate(field, "contains", text, cased)
        case [str(text), 0]:
            return Predicate(field, "startswith", text, cased)
        case [0, str(text)]:
            return Predicate(field, "endswith", text, cased)
    return Predicate(field, "like", parts, cased)


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
