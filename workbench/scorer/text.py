"""Which of many patterns a text matches, in one linear pass."""

from __future__ import annotations

from collections.abc import Sequence

import re2

from workbench.errors import PackError
from workbench.scorer.plan import ANY_RUN, Predicate

_MEMORY = 8 << 20


def pattern_of(predicate: Predicate) -> str:
    r"""Give the RE2 pattern that a text predicate means, unanchored search; text is casefolded unless cased.

    >>> pattern_of(Predicate("f", "endswith", "/CURL")), pattern_of(Predicate("f", "regex", "a+"))
    ('/curl\\z', 'a+')
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


class PatternSet:
    """Patterns with a bit each; `match` gives the bits of all that are found in a text.

    A pattern that is always found stands watch: should RE2 run out of memory, which it reports as "nothing
    found", the patterns are tried one by one instead.

    >>> bin(PatternSet([("ab", 1), ("b+c", 2)]).match("xabbc"))
    '0b11'
    """

    __slots__ = ("_bits", "_halves", "_patterns", "_set")

    def __init__(self, patterns: Sequence[tuple[str, int]]) -> None:
        self._patterns = list(patterns)
        self._bits = [bit for _, bit in patterns]
        self._halves: tuple[PatternSet, PatternSet] | None = None
        options = re2.Options()
        options.max_mem = _MEMORY
        options.log_errors = False
        self._set = re2.Set.SearchSet(options)
        for pattern, _ in patterns:
            try:
                self._set.Add(pattern)
            except re2.error as error:
                raise PackError(f"RE2 cannot take the pattern {pattern[:80]!r}: {error}") from None
        self._set.Add("")
        self._set.Compile()
        if len(self._patterns) > 1 and len(self._patterns) not in self._set.Match(""):
            middle = len(self._patterns) // 2
            self._halves = PatternSet(self._patterns[:middle]), PatternSet(self._patterns[middle:])

    def match(self, text: str) -> int:
        """Give the bits of the patterns found in `text`; characters that are no Unicode count as `?`."""
        if self._halves:
            return self._halves[0].match(text) | self._halves[1].match(text)
        try:
            found = self._set.Match(text)
        except UnicodeEncodeError:
            text = text.encode(errors="replace").decode()
            found = self._set.Match(text)
        bits = 0
        watch = len(self._bits)
        for index in found:
            if index != watch:
                bits |= self._bits[index]
        if watch not in found:
            return self._one_by_one(text)
        return bits

    def _one_by_one(self, text: str) -> int:
        return sum(bit for pattern, bit in self._patterns if re2.search(pattern, text))
