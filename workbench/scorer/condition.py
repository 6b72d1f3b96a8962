"""Conditions over the bits of an event's predicates, compiled to functions of one integer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

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


class Mask(NamedTuple):
    """A condition that holds when `bits & care == wanted` and, where there is one, `test(bits)` holds."""

    care: int
    wanted: int
    test: Test | None = None


def compile_mask(condition: Any) -> Mask:
    """Compile a plan's condition to a mask: most conditions are nothing else.

    >>> compile_mask(["and", 0, ["not", 2]]), compile_mask(3)
    (Mask(care=5, wanted=1, test=None), Mask(care=8, wanted=8, test=None))
    """
    parts = condition[1:] if not isinstance(condition, int) and condition[0] == "and" else [condition]
    required, forbidden, rest = _split(parts)
    if required & forbidden:
        return Mask(0, 1)
    if not rest:
        return Mask(required | forbidden, required)
    test = rest[0] if len(rest) == 1 else lambda bits: all(test(bits) for test in rest)
    return Mask(required | forbidden, required, test)


def _all_of(parts: list[Any]) -> Test:
    care, wanted, test = compile_mask(["and", *parts])
    if test is None:
        return lambda bits: bits & care == wanted
    return lambda bits: bits & care == wanted and test(bits)


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


def anchor(condition: Any, rarity: Sequence[float] | Mapping[int, float]) -> tuple[int, float] | None:
    """Give bits of which at least one is set whenever the condition holds, and how rarely the commonest is.

    None when there are none such. A rule needs to be looked at only for events that set a bit of its
    anchor, so of the parts of an `and` the rarest is taken; `rarity` is a guess for each predicate.

    >>> anchor(["and", ["or", 1, 2], 0], [5, 3, 9]), anchor(["or", 0, ["not", 1]], [5, 3])
    ((1, 5), None)
    """
    if isinstance(condition, int):
        return 1 << condition, rarity[condition]
    operator, *parts = condition
    if operator == "not":
        return None
    found = [anchor(part, rarity) for part in parts]
    known = [part for part in found if part is not None]
    if operator == "and":
        return max(known, key=lambda part: part[1], default=None)
    if len(known) < len(found):
        return None
    bits = 0
    for part, _ in known:
        bits |= part
    return bits, min(rare for _, rare in known)


def specialise(condition: Any, known: Mapping[int, bool]) -> Any:
    """Give what is left of a condition when some predicates are known; True or False when nothing is.

    >>> known = {0: True, 1: False}
    >>> specialise(["and", 0, ["or", 1, 2]], known), specialise(["or", 2, ["not", 1]], known)
    (2, True)
    """
    if isinstance(condition, int):
        return known.get(condition, condition)
    operator, *parts = condition
    parts = [specialise(part, known) for part in parts]
    if operator == "not":
        return not parts[0] if isinstance(parts[0], bool) else ["not", parts[0]]
    settles = operator == "or"
    if any(part is settles for part in parts):
        return settles
    open_ = [part for part in parts if not isinstance(part, bool)]
    if not open_:
        return not settles
    return open_[0] if len(open_) == 1 else [operator, *open_]
