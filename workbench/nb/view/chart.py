"""Charts of lines and marks over two axes, drawn once for Plotly and once as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Literal

import plotly.graph_objects as go

from workbench.nb.view.figure import (
    FAINT,
    HEIGHT,
    MARGIN,
    RED,
    WIDTH,
    Figure,
    cut,
    svg_line,
    svg_page,
    svg_text,
)
from workbench.nb.view.plain import plain

_LEFT, _TOP = 64, 48
_BOLD = 'font-weight="bold"'
SHOWN = 4_000


@dataclass(frozen=True)
class Series:
    """Points of one name; `notes` are shown under the pointer."""

    name: str
    points: Sequence[tuple[float, float]]
    colour: str
    kind: Literal["line", "step", "marks"] = "line"
    dash: bool = False
    notes: Sequence[str] = ()


def ticks(low: float, high: float) -> list[float]:
    """Give round numbers from `low` to `high`, at most seven.

    >>> ticks(0, 3.9), ticks(0, 109)
    ([0.0, 1.0, 2.0, 3.0], [0.0, 20.0, 40.0, 60.0, 80.0, 100.0])
    """
    rough = (high - low) / 6 or 1.0
    power = 10.0 ** floor(log10(rough))
    step = next(nice * power for nice in (1, 2, 5, 10) if nice * power >= rough)
    first, last = ceil(low / step), floor(high / step + 1e-9)
    return [float(f"{number * step:.10g}") for number in range(first, last + 1)]


class Chart(Figure):
    """What a chart says; subclasses set these. `marks` are upright lines at x, `levels` flat ones at y."""

    title = ""
    x_label = ""
    y_label = ""
    x_range: tuple[float, float] = (0.0, 1.0)
    y_range: tuple[float, float] = (0.0, 1.0)
    series: Sequence[Series] = ()
    marks: Sequence[tuple[float, str]] = ()
    levels: Sequence[tuple[float, str]] = ()

    def text(self) -> str:
        """Give the title; subclasses say more."""
        return self.title

    def figure(self) -> go.Figure:
        """Give the interactive chart."""
        figure = go.Figure()
        for one in self.series:
            figure.add_scatter(
                x=[x for x, _ in one.points],
                y=[y for _, y in one.points],
                name=plain(one.name),
                text=[plain(note) for note in one.notes] or None,
                mode="markers" if one.kind == "marks" else "lines+markers",
                line={
                    "color": one.colour,
                    "dash": "dash" if one.dash else "solid",
                    "shape": "vh" if one.kind == "step" else "linear",
                },
                marker={"color": one.colour, "size": 7},
            )
        for x, name in self.marks:
            figure.add_vline(x=x, line_color=RED, line_dash="dot", annotation_text=plain(name))
        for y, name in self.levels:
            figure.add_hline(y=y, line_color=RED, line_dash="dash", annotation_text=plain(name))
        figure.update_xaxes(title=plain(self.x_label), range=self.x_range)
        figure.update_yaxes(title=plain(self.y_label), range=self.y_range)
        figure.update_layout(title=plain(cut(self.title, 110)), height=400, showlegend=len(self.series) > 1)
        return figure

    def svg(self) -> str:
        """Give the static chart."""
        parts = [svg_text(_LEFT, 18, cut(self.title, 100), "start", _BOLD), *self._axes()]
        for number, one in enumerate(self.series):
            points = [self._place(*point) for point in one.points]
            if one.kind == "step":
                points = [
                    corner
                    for before, after in zip(points, points[1:] or points, strict=False)
                    for corner in (before, (before[0], after[1]), after)
                ]
            if one.kind != "marks" and points:
                dash = 'stroke-dasharray="6 4"' if one.dash else ""
                parts.append(svg_line(points, one.colour, f'stroke-width="2" {dash}'))
            parts += [
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{one.colour}"/>'
                for x, y in (self._place(*point) for point in one.points)
            ]
            if len(self.series) > 1:
                left = _LEFT + 160 * number
                parts.append(f'<circle cx="{left + 4}" cy="34" r="4" fill="{one.colour}"/>')
                parts.append(svg_text(left + 14, 38, cut(one.name, 22), "start"))
        for place, name in self.marks:
            (at, top), (_, bottom) = self._place(place, self.y_range[1]), self._place(place, self.y_range[0])
            parts.append(
                svg_line([(at, top), (at, bottom)], RED, 'stroke-dasharray="2 3" stroke-width="1.5"')
            )
            parts.append(svg_text(at + 4, top + 10, cut(name, 24), "start"))
        for level, name in self.levels:
            ends = [self._place(x, level) for x in self.x_range]
            parts.append(svg_line(ends, RED, 'stroke-dasharray="6 4"'))
            parts.append(svg_text(_LEFT + 4, ends[0][1] - 4, cut(name, 30), "start", _BOLD))
        return svg_page(self.title, parts)

    def _place(self, x: float, y: float) -> tuple[float, float]:
        (low, high), (bottom, top) = self.x_range, self.y_range
        width, height = WIDTH - _LEFT - MARGIN, HEIGHT - _TOP - MARGIN
        right = _LEFT + width * (x - low) / ((high - low) or 1.0)
        return right, HEIGHT - MARGIN - height * (y - bottom) / ((top - bottom) or 1.0)

    def _axes(self) -> list[str]:
        parts = []
        for y in ticks(*self.y_range):
            (left, at), (right, _) = self._place(self.x_range[0], y), self._place(self.x_range[1], y)
            parts.append(svg_line([(left, at), (right, at)], FAINT))
            parts.append(svg_text(left - 6, at + 4, f"{y:g}", "end"))
        parts += [
            svg_text(self._place(x, 0)[0], HEIGHT - MARGIN + 16, f"{x:g}") for x in ticks(*self.x_range)
        ]
        parts.append(svg_text((WIDTH + _LEFT) / 2, HEIGHT - 6, self.x_label))
        middle = (HEIGHT + _TOP - MARGIN) / 2
        turned = f'transform="rotate(-90 14 {middle:.1f})"'
        return [*parts, svg_text(14, middle, self.y_label, style=turned)]
