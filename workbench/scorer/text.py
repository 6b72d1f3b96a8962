"""Which of many patterns a text matches, in one linear pass.

RE2's filter finds the literals of all patterns at once, and tries only the patterns whose literals are there.
(One automaton for all patterns at once is ruled out: wildcards make its states multiply, and it then
spends its time rebuilding them.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import re2

from workbench.errors import PackError
from workbench.scorer.plan import ANY_RUN, Predicate

_PATTERNS = 400
_CHARACTERS = 16_384
MOST_INSTRUCTIONS = 10_000
"""The largest regular expression, in instructions of RE2: at worst a text costs its length times this."""

_WATCH = "\x01watch\x01"


def quiet() -> re2.Options:
    """Give RE2 options that keep it from writing to standard error."""
    options = re2.Options()
    options.log_errors = False
    return options


def pattern_of(predicate: Predicate) -> str:
    r"""Give the RE2 pattern that a text predicate means, unanchored search; text is casefolded unless cased.

    >>> pattern_of(Predicate("f", "endswith", "CURL")), pattern_of(Predicate("f", "regex", "a+"))
    ('curl\\z', 'a+')
    >>> pattern_of(Predicate("f", "like", ["a.b", 0, "c", 1]))
    '(?s)\\Aa\\.b.*c.\\z'
    """
    if predicate.op == "regex":
        return str(predicate.value)
    if predicate.op == "like":
        return "(?s)\\A" + "".join(_part(part, predicate.cased) for part in predicate.value) + "\\z"
    literal = _part(predicate.value, predicate.cased)
    start = "\\A" if predicate.op == "startswith" else ""
    end = "\\z" if predicate.op == "endswith" else ""
    return start + literal + end


def _part(part: str | int, cased: bool) -> str:
    if isinstance(part, str):
        return str(re2.escape(part if cased else part.casefold()))
    return ".*" if part == ANY_RUN else "."


def encode(text: str) -> bytes:
    r"""Give a text as UTF-8; characters that are no Unicode, as in names of any bytes, become `?`.

    >>> encode("/tmp/\udcff")
    b'/tmp/?'
    """
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="replace")


class PatternSet:
    """Patterns with a bit each; `match` gives the bits of all that are found in a text.

    Raises PackError for a pattern that RE2 cannot take.

    >>> bin(PatternSet([("ab", 1), ("b+c", 2), ("d", 4)]).match("xabbc"))
    '0b11'
    """

    __slots__ = ("_filters",)

    def __init__(self, patterns: Sequence[tuple[str, int]]) -> None:
        self._filters = [
            (_compile([pattern for pattern, _ in part]).Match, [*(bit for _, bit in part), 0])
            for part in _parts(patterns)
        ]

    def match(self, text: str) -> int:
        """Give the bits of the patterns found in `text`; characters that are no Unicode count as `?`."""
        encoded = encode(text)
        bits = 0
        for match, mine in self._filters:
            found = match(encoded)
            if found:
                for index in found:
                    bits |= mine[index]
        return bits


def _parts(patterns: Sequence[tuple[str, int]]) -> Iterator[list[tuple[str, int]]]:
    """Part patterns so that none of RE2's automata outgrows its memory, which it would keep to itself."""
    part: list[tuple[str, int]] = []
    size = 0
    for pattern in patterns:
        if part and (len(part) >= _PATTERNS or size + len(pattern[0]) > _CHARACTERS):
            yield part
            part, size = [], 0
        part.append(pattern)
        size += len(pattern[0])
    if part:
        yield part


def _compile(patterns: list[str]) -> re2.Filter:
    found = re2.Filter()
    for pattern in patterns:
        try:
            size = found.re(found.Add(pattern, quiet())).programsize
        except re2.error as error:
            raise PackError(f"RE2 cannot take the pattern {pattern[:80]!r}: {error}") from None
        if size > MOST_INSTRUCTIONS:
            raise PackError(f"the pattern {pattern[:80]!r} is too large", mend="split the rule")
    found.Add(_WATCH, quiet())
    found.Compile()
    if len(patterns) not in (found.Match(_WATCH) or ()):
        raise PackError("the patterns of one field are too large for RE2", mend="split the rules into packs")
    return found
