"""A Plotly figure that stays a picture where no script runs: GitHub, exported pages, untrusted notebooks."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import plotly.graph_objects as go

from workbench.nb.view.plain import plain
from workbench.printable import printable

_PLOTLY = "application/vnd.plotly.v1+json"
WIDTH, HEIGHT, MARGIN = 720, 280, 42

# Okabe and Ito's colours, told apart with every common colour blindness.
BLUE, ORANGE, GREEN, RED, PINK = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7"
# A grey in the middle reads on a light and on a dark theme (contrast 4.5 on white, 4.2 on JupyterLab's dark),
# so pictures have no background of their own.
GREY, FAINT = "#767676", "rgba(128,128,128,0.3)"


class Figure:
    """Base of the charts: `figure` for JupyterLab, `svg` and `text` for everywhere else."""

    def figure(self) -> go.Figure:
        """Give the interactive figure."""
        raise TypeError(f"{type(self).__name__} has no figure")

    def svg(self) -> str:
        """Give the static picture; texts in it are escaped."""
        raise TypeError(f"{type(self).__name__} has no picture")

    def text(self) -> str:
        """Say in words what the picture shows."""
        raise TypeError(f"{type(self).__name__} has no text")

    def __repr__(self) -> str:
        """Give the words."""
        return printable(self.text())

    def _repr_html_(self) -> str:
        # As an image: nothing in it runs, and notebooks that are not trusted show it too.
        encoded = b64encode(self.svg().encode()).decode()
        return f'<img alt="{plain(self.text())}" src="data:image/svg+xml;base64,{encoded}">'

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        figure = self.figure()
        figure.update_layout(
            paper_bgcolor="rgba(0,0,0,0)",
            plot_bgcolor="rgba(0,0,0,0)",
            font_color=GREY,
            margin={"l": 60, "r": 30, "t": 60, "b": 50},
        )
        figure.update_xaxes(gridcolor=FAINT, zerolinecolor=FAINT)
        figure.update_yaxes(gridcolor=FAINT, zerolinecolor=FAINT)
        return {
            _PLOTLY: figure.to_plotly_json(),
            "text/html": self._repr_html_(),
            "image/svg+xml": self.svg(),
            "text/plain": repr(self),
        }


def svg_page(title: str, parts: list[str], height: float = HEIGHT, width: float = WIDTH) -> str:
    """Wrap drawn parts as an SVG document, readable on light and on dark."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img"'
        f' width="{width:.0f}" height="{height:.0f}"><title>{plain(title)}</title>'
        f'<g font-family="system-ui,sans-serif" font-size="12" fill="{GREY}">{"".join(parts)}</g></svg>'
    )


def svg_text(x: float, y: float, text: str, anchor: str = "middle", style: str = "") -> str:
    """Draw one escaped text; `style` is attributes of ours, such as `font-weight="bold"`."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {style}>{plain(text)}</text>'


def svg_line(points: list[tuple[float, float]], colour: str, style: str = "") -> str:
    """Draw a line through points; `style` is attributes of ours, such as a dash pattern."""
    path = " ".join(f"{'L' if number else 'M'}{x:.1f} {y:.1f}" for number, (x, y) in enumerate(points))
    return f'<path d="{path}" fill="none" stroke="{colour}" {style}/>'


def svg_bar(x: float, top: float, width: float, colour: str) -> str:
    """Draw one bar that stands on the chart's base line."""
    height = HEIGHT - MARGIN - top
    return (
        f'<rect x="{x:.1f}" y="{top:.1f}" width="{width:.1f}" height="{max(height, 0):.1f}" fill="{colour}"/>'
    )


def cut(text: str, length: int) -> str:
    """Shorten a text to `length` characters.

    >>> cut("secret-to-egress", 8), cut("short", 8)
    ('secret-…', 'short')
    """
    return text if len(text) <= length else text[: length - 1] + "…"
