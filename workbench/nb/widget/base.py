"""What the widgets share: their files, their style, and a static form for where no widget can run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from workbench.errors import WorkbenchError
from workbench.nb.view.page import page

_HERE = Path(__file__).parent
STYLE = (_HERE / "widget.css").read_text()


def script(name: str) -> str:
    """Give the widget's module: plain DOM, nothing from elsewhere; texts are set as text, never as markup.

    What all share stands before it: a module of a cell cannot import another.
    """
    return (_HERE / "shared.js").read_text() + (_HERE / name).read_text()


class Widget(anywidget.AnyWidget):
    """Base of the widgets: what a person does calls `do_VERB(**details)`, what went wrong is a `message`."""

    _css = STYLE
    message = traitlets.Unicode("").tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.on_msg(self._act)

    def _act(self, _: Any, content: dict[str, Any], __: Any = None) -> None:
        details = dict(content)
        verb = getattr(self, f"do_{details.pop('do', '')}", None)
        if verb is None:
            return
        try:
            verb(**details)
        except WorkbenchError as error:
            self.message = str(error)

    def static(self) -> str:
        """Give what to show where no widget runs, as escaped HTML."""
        return ""

    def _repr_html_(self) -> str:
        return page(self.static(), type(self).__name__)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        made = super()._repr_mimebundle_(**options)
        data, metadata = made if isinstance(made, tuple) else (made or {}, {})
        return {**data, "text/html": self._repr_html_(), "text/plain": repr(self)}, metadata
