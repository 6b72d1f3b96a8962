"""A stranger's text as text: neither markup nor an order to a terminal."""

from __future__ import annotations

from html import escape

from workbench.printable import printable


def plain(text: str) -> str:
    r"""Escape a text for HTML, SVG and Plotly's labels, its control characters made visible.

    >>> plain("<b>\x1b[2J")
    '&lt;b&gt;\\x1b[2J'
    """
    return escape(printable(text))
