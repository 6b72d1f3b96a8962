"""Path globs in linear time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

import re2

from workbench.scorer.text import encode

_CACHE = 8_192
_TABLES = 64
_LONGEST_CACHED = 512
_AUTOMATON_BYTES = 1 << 26  # a set that runs out of memory would match nothing


def glob_to_re(glob: str) -> str:
    """Translate a path glob to RE2: `*` within one part of a path, `**` across parts, `?` one character.

    >>> print(glob_to_re("**/.ssh/id_*"))
    .*\\/\\.ssh\\/id_[^/]*
    """
    wild = {"*": "[^/]*", "?": "[^/]"}
    return ".*".join("".join(wild.get(c) or re2.escape(c) for c in part) for part in glob.split("**"))


@lru_cache(maxsize=_TABLES)
def _compiled(globs: tuple[str, ...]) -> re2.Set:
    """Compile a table once, however many scorers of the same pack a process makes."""
    options = re2.Options()
    options.max_mem = _AUTOMATON_BYTES
    compiled = re2.Set.FullMatchSet(options)
    for glob in globs:
        compiled.Add(f"(?is){glob_to_re(glob)}")
    compiled.Compile()
    return compiled


class GlobTable:
    """Many globs, each with a number: tells in one pass the numbers of those that match, whatever the case.

    >>> table = GlobTable([("**/.ssh/*", 1), ("**/id_*", 2), ("/etc/*", 3)])
    >>> sorted(table.numbers("/home/u/.ssh/id_rsa"))
    [1, 2]
    """

    def __init__(self, globs: Iterable[tuple[str, int]]) -> None:
        known = list(globs)
        self._set = _compiled(tuple(glob for glob, _ in known))
        self._numbers = [number for _, number in known]
        self._remembered = lru_cache(maxsize=_CACHE)(self._match)

    def numbers(self, text: str) -> frozenset[int]:
        """Give the numbers of the globs that match the whole of `text`."""
        return self._remembered(text) if len(text) <= _LONGEST_CACHED else self._match(text)

    def _match(self, text: str) -> frozenset[int]:
        return frozenset(self._numbers[index] for index in self._set.Match(encode(text)) or ())


@lru_cache(maxsize=_TABLES)
def _pattern(globs: tuple[str, ...]) -> re2._Regexp:
    return re2.compile("(?is)" + "|".join(f"(?:{glob_to_re(glob)})" for glob in globs))


def glob_matcher(globs: Iterable[str]) -> Callable[[str], bool]:
    """Give a cached test of whether a text matches any of `globs`, whatever the case, in linear time."""
    pattern = _pattern(tuple(globs))

    def matches(text: str) -> bool:
        return pattern.fullmatch(encode(text)) is not None

    remembered = lru_cache(maxsize=_CACHE)(matches)
    return lambda text: remembered(text) if len(text) <= _LONGEST_CACHED else matches(text)
