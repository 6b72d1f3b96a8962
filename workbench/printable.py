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


def counted(number: int, thing: str) -> str:
    """Give a number and what it counts, in the plural where it is one.

    >>> counted(1, "rule"), counted(1_200, "event"), counted(0, "error")
    ('1 rule', '1,200 events', '0 errors')
    """
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def uncapitalised(text: str) -> str:
    """Give a sentence as it goes on after a colon.

    >>> uncapitalised("Expected `int`"), uncapitalised("")
    ('expected `int`', '')
    """
    return text[:1].lower() + text[1:]
