"""Conditions over the bits of an event's predicates, compiled to functions of one integer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Test = Callable[[int], bool]


def compile_condition(condition: Any) -> Test:
    """Compile a plan's condition; the result tells whether it holds for a set of bits.

    >>> holds = compile_condition(["and", 0, ["or", 1, 2], ["not", 3]])
    >>> holds(0b0011), holds(0b0001), holds(0b1101)
    (True, False, False)
    """
    if isinstance(condition, int):
        bit = 1 << condition
        return lambda bits: bits & bit != 0
    operator, *parts = condition
    if operator == "not":
        inner = compile_condition(parts[0])
        return lambda bits: not inner(bits)
    return _all_of(parts) if operator == "and" else _any_of(parts)


def _all_of(parts: list[Any]) -> Test:
    required, forbidden, rest = _split(parts)
    care = required | forbidden
    if not rest:
        return lambda bits: bits & care == required
    return lambda bits: bits & care == required and all(test(bits) for test in rest)


def _any_of(parts: list[Any]) -> Test:
    wanted, unwanted, rest = _split(parts)
    if not unwanted and not rest:
        return lambda bits: bits & wanted != 0
    return lambda bits: bits & wanted != 0 or bits & unwanted != unwanted or any(test(bits) for test in rest)


def _split(parts: list[Any]) -> tuple[int, int, list[Test]]:
    """Part plain predicates, negated predicates and everything else."""
    plain = negated = 0
    rest: list[Test] = []
    for part in parts:
        if isinstance(part, int):
            plain |= 1 << part
        elif part[0] == "not" and isinstance(part[1], int):
            negated |= 1 << part[1]
        else:
            rest.append(compile_condition(part))
    return plain, negated, rest


def anchor(condition: Any) -> int | None:
    """Give bits of which at least one is set whenever the condition holds; None when there are none such.

    A rule needs to be looked at only for events that set one of its anchor's bits. The widest test of a field
    is taken last: of an `and`, the part with the fewest bits.

    >>> anchor(["and", ["or", 1, 2], 0]), anchor(["not", 0]), anchor(["or", 0, ["not", 1]])
    (1, None, None)
    """
    if isinstance(condition, int):
        return 1 << condition
    operator, *parts = condition
    if operator == "not":
        return None
    found = [anchor(part) for part in parts]
    if operator == "or":
        bits = 0
        for part in found:
            if part is None:
                return None
            bits |= part
        return bits
    anchors = [part for part in found if part is not None]
    return min(anchors, key=int.bit_count) if anchors else None
