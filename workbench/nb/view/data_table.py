"""A data frame as a table that sorts and searches in JupyterLab, and is a plain table elsewhere."""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbench.nb.view.page import page, table
from workbench.printable import printable

SHOWN = 1_000
_STATIC = 50
_WIDTH = 200


class DataTable:
    """The first `SHOWN` rows, and says so; texts are escaped and cut at 200 characters."""

    def __init__(self, frame: pd.DataFrame, title: str = "") -> None:
        self.frame, self.title = frame, title

    def __repr__(self) -> str:
        """Give the first rows as text."""
        return printable(f"{self._caption(20)}\n{self._cells(20).to_string()}")

    def _caption(self, shown: int) -> str:
        more = f", the first {shown} shown" if len(self.frame) > shown else ""
        return f"{self.title + ': ' if self.title else ''}{len(self.frame)} rows{more}"

    def _cells(self, shown: int) -> pd.DataFrame:
        head = self.frame.head(shown)
        told = {
            printable(str(name)): [_told(value) for value in head.iloc[:, number]]
            for number, name in enumerate(head.columns)
        }
        return pd.DataFrame(told)

    def _repr_html_(self) -> str:
        cells = self._cells(_STATIC)
        rows = cells.itertuples(index=False, name=None)
        return page(table(self._caption(_STATIC), list(cells.columns), rows), "table")

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = {"text/html": self._repr_html_(), "text/plain": repr(self)}
        if len(self.frame) > 10:
            from itables.widget import ITable  # noqa: PLC0415 - only where there is much to sort

            widget = ITable(self._cells(SHOWN), caption=self._caption(SHOWN), showIndex=False)
            bundle = {**_view(widget), **bundle}
        return bundle


def _view(widget: Any) -> dict[str, Any]:
    made = widget._repr_mimebundle_()
    data: dict[str, Any] = made[0] if isinstance(made, tuple) else made
    return {name: value for name, value in data.items() if name.startswith("application/")}


def _told(value: Any) -> str:
    if value is None or (isinstance(value, float) and value != value):  # noqa: PLR0124 - not a number
        return ""
    text = printable(str(value))
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
