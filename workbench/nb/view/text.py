"""A rich renderable as plain text, as wide in every place."""

from __future__ import annotations

import io

from rich.console import Console, RenderableType

_WIDTH = 150


def as_text(renderable: RenderableType) -> str:
    """Draw it without colour; its texts are `rich.text.Text`, so that nothing in them is read as markup."""
    drawn = io.StringIO()
    Console(width=_WIDTH, file=drawn, color_system=None, force_jupyter=False).print(renderable)
    return drawn.getvalue()
