"""One rich renderable as HTML in a notebook and as text elsewhere."""

from __future__ import annotations

import io

from rich.console import Console, RenderableType

_WIDTH = 150
_FORMAT = '<pre style="overflow-x:auto;line-height:1.3">{code}</pre>'


class RichView:
    """Shows a renderable; its texts are `rich.text.Text`, so that nothing in them is read as markup."""

    def __init__(self, renderable: RenderableType) -> None:
        self.renderable = renderable

    def __rich__(self) -> RenderableType:
        """Give the renderable itself."""
        return self.renderable

    def _console(self) -> Console:
        return Console(width=_WIDTH, record=True, file=io.StringIO(), force_jupyter=False)

    def __repr__(self) -> str:
        """Draw as text."""
        console = self._console()
        console.print(self.renderable)
        return console.export_text()

    def _repr_html_(self) -> str:
        console = self._console()
        console.print(self.renderable)
        return console.export_html(inline_styles=True, code_format=_FORMAT)
