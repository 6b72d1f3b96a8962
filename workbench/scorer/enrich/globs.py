"""Path globs in linear time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

import re2

from workbench.scorer.cache import Cache
from workbench.scorer.text import encode

_BUDGET = 500_000  # the weight of a generation of a table's cache
_TABLES = 64
_AUTOMATON_BYTES = 1 << 26  # a set that runs out of memory would match nothing


def glob_to_re(glob: str) -> str:
    """Translate a path glob to RE2: `*` within one part of a path, `**` across parts, `?` one character.

    >>> print(glob_to_re("**/.ssh/id_*"))
    .*\\/\\.ssh\\/id_[^/]*
    """
    wild = {"*": "[^/]*", "?": "[^/]"}
    return ".*".join("".join(wild.get(c) or re2.escape(c) for c in part) for part in glob.split("**"))


_NONE: frozenset[int] = frozenset()


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

    `known` gives the numbers of the globs that match the whole of a text, and remembers them.

    >>> table = GlobTable([("**/.ssh/*", 1), ("**/id_*", 2), ("/etc/*", 3)])
    >>> sorted(table.known["/home/u/.ssh/id_rsa"])
    [1, 2]
    """

    def __init__(self, globs: Iterable[tuple[str, int]]) -> None:
        listed = list(globs)
        self._set = _compiled(tuple(glob for glob, _ in listed))
        self._numbers = [number for _, number in listed]
        self.known: Cache[str, frozenset[int]] = Cache(self._match, _BUDGET)

    def _match(self, text: str) -> frozenset[int]:
        found = self._set.Match(encode(text))
        return frozenset(self._numbers[index] for index in found) if found else _NONE


@lru_cache(maxsize=_TABLES)
def _pattern(globs: tuple[str, ...]) -> re2._Regexp:
    return re2.compile("(?is)" + "|".join(f"(?:{glob_to_re(glob)})" for glob in globs))


def glob_matcher(globs: Iterable[str]) -> Callable[[str], bool]:
    """Give a cached test of whether a text matches any of `globs`, whatever the case, in linear time."""
    pattern = _pattern(tuple(globs))
    known: Cache[str, bool] = Cache(lambda text: pattern.fullmatch(encode(text)) is not None, _BUDGET)
    return known.__getitem__
