"""Text of a stranger's choosing, made safe to show: nothing in it may command the terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""Escape what a terminal might obey: everything unprintable but line feeds.

    >>> printable("a\x1b[31mb\nc")
    'a\\x1b[31mb\nc'
    """
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() or sign == "\n" else ascii(sign)[1:-1] for sign in text)


def printable_line(text: str) -> str:
    r"""Escape line feeds too: what must not look like more lines than it is.

    >>> printable_line("a\nworkbench: done")
    'a\\nworkbench: done'
    """
    return printable(text).replace("\n", "\\n")
