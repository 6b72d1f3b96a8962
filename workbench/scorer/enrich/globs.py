"""Path globs in linear time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

import re2

_CACHE = 8_192
_LONGEST_CACHED = 512


def glob_to_re(glob: str) -> str:
    """Translate a path glob to RE2: `*` within one part of a path, `**` across parts, `?` one character.

    >>> print(glob_to_re("**/.ssh/id_*"))
    .*\\/\\.ssh\\/id_[^/]*
    """
    wild = {"*": "[^/]*", "?": "[^/]"}
    return ".*".join("".join(wild.get(c) or re2.escape(c) for c in part) for part in glob.split("**"))


def glob_matcher(globs: Iterable[str]) -> Callable[[str], bool]:
    """Give a cached test of whether a text matches any of `globs`, whatever the case, in linear time."""
    pattern = re2.compile("(?is)" + "|".join(f"(?:{glob_to_re(glob)})" for glob in globs))

    def matches(text: str) -> bool:
        return pattern.fullmatch(text) is not None

    remembered = lru_cache(maxsize=_CACHE)(matches)
    return lambda text: remembered(text) if len(text) <= _LONGEST_CACHED else matches(text)
