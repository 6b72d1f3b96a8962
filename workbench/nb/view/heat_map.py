"""Rule × scenario: which rule catches what, and which cries wolf at what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from workbench.evaluate.backtest import Report
from workbench.evaluate.breakdown import heat_map
from workbench.nb.view.figure import BLUE, FAINT, RED, Figure, cut, svg_page, svg_text
from workbench.nb.view.plain import plain

SHOWN = 60
_DARK = 0.7  # from this share on white reads better than black (contrast 4.5 at least either way)
_CELL, _ROW, _LEFT, _TOP = 92, 24, 330, 64


class HeatMap(Figure):
    """Shares of sessions, 0 to 1, by row and column; None where there was none to judge.

    Columns in `wanted` are attacks, where more is better (blue); in the others a finding is a false alarm
    (orange-red). Every cell also holds its number. Shows at most `SHOWN` rows and says so.
    """

    def __init__(
        self,
        cells: Mapping[str, Mapping[str, float | None]],
        wanted: Sequence[str],
        title: str = "Rule × scenario",
    ) -> None:
        self.rows = dict(list(cells.items())[:SHOWN])
        columns = dict.fromkeys(name for row in cells.values() for name in row)
        self.wanted = set(wanted)
        self.columns = sorted(columns, key=lambda name: (name not in self.wanted, name))
        more = f", the first {SHOWN} of {len(cells)} rules shown" if len(cells) > SHOWN else ""
        self.title = f"{title}: share of sessions in which the rule fired{more}"

    @classmethod
    def of(cls, report: Report) -> HeatMap:
        """Draw a backtest: the rules that fired against its scenarios."""
        drawn = heat_map(report)
        attacks = {outcome.scenario for outcome in report.outcomes if outcome.malicious}
        cells = {
            rule: dict(zip(drawn.scenarios, map(float, shares), strict=True))
            for rule, shares in zip(drawn.rules, drawn.shares, strict=True)
        }
        return cls(cells, sorted(attacks))

    def text(self) -> str:
        """Give each row's cells that are not zero."""
        told = [self.title]
        for row, cells in self.rows.items():
            found = ", ".join(f"{name} {value:.0%}" for name, value in cells.items() if value)
            told.append(f"{row}: {found or 'nothing'}")
        return "\n".join(told)

    def _colour(self, column: str, value: float) -> str:
        """Mix white with the column's colour: opaque, so that the number reads on any theme."""
        full = BLUE if column in self.wanted else RED
        mixed = (round(255 + (0.15 + 0.85 * value) * (int(full[n : n + 2], 16) - 255)) for n in (1, 3, 5))
        return "#" + "".join(f"{part:02x}" for part in mixed)

    def figure(self) -> go.Figure:
        """Give the interactive heat map."""
        rows = list(self.rows)
        signed = [
            [
                None
                if (value := self.rows[row].get(column)) is None
                else value
                if column in self.wanted
                else -value
                for column in self.columns
            ]
            for row in rows
        ]
        figure = go.Figure(
            go.Heatmap(
                z=signed,
                x=[plain(column) for column in self.columns],
                y=[plain(cut(row, 60)) for row in rows],
                text=[[_told(self.rows[row].get(column)) for column in self.columns] for row in rows],
                texttemplate="%{text}",
                hovertemplate="%{y}<br>%{x}: %{text}<extra></extra>",
                colorscale=[[0, RED], [0.5, "#c8c8c8"], [1, BLUE]],
                **{"zmin": -1, "zmax": 1, "showscale": False, "xgap": 2, "ygap": 2},
            )
        )
        figure.update_xaxes(side="top", tickangle=-25)
        figure.update_yaxes(autorange="reversed", automargin=True)
        figure.update_layout(title=None, height=140 + 26 * len(rows))
        return figure

    def svg(self) -> str:
        """Give the static heat map."""
        parts = [svg_text(10, 18, self.title, "start", 'font-weight="bold"')]
        for number, column in enumerate(self.columns):
            x = _LEFT + _CELL * (number + 0.5)
            head, rest = _halves(cut(column, 30))
            parts += [svg_text(x, _TOP - 20, head), svg_text(x, _TOP - 6, rest)]
        for level, (row, cells) in enumerate(self.rows.items()):
            y = _TOP + _ROW * level
            parts.append(
                f"<g><title>{plain(row)}</title>{svg_text(_LEFT - 8, y + 16, cut(row, 50), 'end')}</g>"
            )
            for number, column in enumerate(self.columns):
                value = cells.get(column)
                x = _LEFT + _CELL * number
                fill = self._colour(column, value) if value else FAINT if value is None else "none"
                parts.append(
                    f'<rect x="{x + 1}" y="{y + 1}" width="{_CELL - 2}" height="{_ROW - 2}" fill="{fill}" '
                    f'stroke="{FAINT}"/>'
                )
                ink = "#ffffff" if value and value > _DARK else "#000000"
                strong = f'fill="{ink}" font-weight="bold"' if value else ""
                parts.append(svg_text(x + _CELL / 2, y + 16, _told(value), style=strong))
        height = _TOP + _ROW * len(self.rows) + 10
        return svg_page(self.title, parts, height, _LEFT + _CELL * max(len(self.columns), 1) + 10)


def _halves(name: str) -> tuple[str, str]:
    """Break a long name at a hyphen near its middle."""
    places = [n for n, sign in enumerate(name) if sign == "-"] if len(name) > 14 else []
    at = min(places, key=lambda n: abs(n - len(name) // 2), default=len(name) - 1) + 1
    return (name[:at], name[at:]) if at < len(name) else ("", name)


def _told(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}" if value else "·"
