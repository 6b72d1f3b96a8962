"""A Plotly figure that stays a picture where no script runs: GitHub, exported pages, plain terminals."""

from __future__ import annotations

from html import escape
from typing import Any

import plotly.graph_objects as go

_PLOTLY = "application/vnd.plotly.v1+json"
WIDTH, HEIGHT, MARGIN = 720, 280, 42

# Okabe and Ito's colours, told apart with every common colour blindness; legible on white and on black.
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"


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
        return self.text()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {
            _PLOTLY: self.figure().to_plotly_json(),
            "image/svg+xml": self.svg(),
            "text/plain": self.text(),
        }


def svg_page(title: str, parts: list[str]) -> str:
    """Wrap drawn parts as an SVG document of the common size, readable on light and on dark."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" width="{WIDTH}">'
        f"<title>{escape(title)}</title>"
        f'<rect width="100%" height="100%" fill="#ffffff"/>'
        f'<g font-family="sans-serif" font-size="11" fill="#333333">{"".join(parts)}</g></svg>'
    )


def svg_text(x: float, y: float, text: str, anchor: str = "middle") -> str:
    """Draw one escaped text."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def svg_bar(x: float, top: float, width: float, colour: str) -> str:
    """Draw one bar that stands on the chart's base line."""
    height = HEIGHT - MARGIN - top
    return (
        f'<rect x="{x:.1f}" y="{top:.1f}" width="{width:.1f}" height="{max(height, 0):.1f}" fill="{colour}"/>'
    )
