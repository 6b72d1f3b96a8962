"""Latency per event as a histogram with logarithmic axes."""

from __future__ import annotations

from math import log10

import numpy as np
import plotly.graph_objects as go

from workbench.evaluate.latency import Latency
from workbench.nb.view.figure import (
    BLUE,
    HEIGHT,
    MARGIN,
    RED,
    WIDTH,
    Figure,
    svg_bar,
    svg_line,
    svg_page,
    svg_text,
)

_BINS = 60


class LatencyChart(Figure):
    """How many events took how long; bars beyond `limit_us` (microseconds) stand out."""

    def __init__(self, latency: Latency, limit_us: float = 5_000.0) -> None:
        self.limit_us = limit_us
        self.summary = latency.summary()
        micros = np.maximum(latency.nanoseconds / 1_000, 0.1)
        low, high = log10(micros.min()), log10(max(micros.max(), limit_us))
        self.counts, self.edges = np.histogram(micros, bins=np.logspace(low, high + 1e-9, _BINS + 1))

    def _colour(self, edge: float) -> str:
        return RED if edge >= self.limit_us else BLUE

    def text(self) -> str:
        """Name the summary's figures."""
        told = ", ".join(f"{name} {value:g}" for name, value in self.summary.items())
        return f"latency per event, µs: {told}; limit {self.limit_us:g}"

    def figure(self) -> go.Figure:
        """Give the interactive histogram."""
        bars = go.Bar(
            x=np.sqrt(self.edges[:-1] * self.edges[1:]),
            y=self.counts,
            width=np.diff(self.edges),
            marker_color=[self._colour(edge) for edge in self.edges[:-1]],
            hovertemplate="%{x:.1f} µs: %{y} events<extra></extra>",
        )
        figure = go.Figure(bars)
        figure.update_xaxes(type="log", title="microseconds per event")
        figure.update_yaxes(type="log", title="events")
        figure.add_vline(x=self.limit_us, line_dash="dash", annotation_text="limit")
        figure.update_layout(title=self.text(), title_font_size=13, bargap=0, height=380)
        return figure

    def svg(self) -> str:
        """Give the static histogram."""
        span = (WIDTH - 2 * MARGIN) / _BINS
        tallest = log10(self.counts.max() + 1)
        parts = [svg_text(WIDTH / 2, 18, self.text())]
        for number, count in enumerate(self.counts):
            height = (HEIGHT - 2 * MARGIN) * log10(count + 1) / tallest
            left, colour = MARGIN + number * span, self._colour(self.edges[number])
            parts.append(svg_bar(left, HEIGHT - MARGIN - height, span - 1, colour))
        low, high = log10(self.edges[0]), log10(self.edges[-1])

        def place(micros: float) -> float:
            return MARGIN + (WIDTH - 2 * MARGIN) * (log10(micros) - low) / (high - low)

        round_ones = [step * 10.0**power for power in range(-1, 7) for step in (1, 2, 5)]
        parts += [
            svg_text(place(micros), HEIGHT - MARGIN + 16, f"{micros:,g} µs")
            for micros in round_ones
            if self.edges[0] <= micros <= self.edges[-1]
        ]
        limit = place(max(self.limit_us, self.edges[0]))
        parts.append(
            svg_line([(limit, MARGIN - 10), (limit, HEIGHT - MARGIN)], RED, 'stroke-dasharray="6 4"')
        )
        parts.append(svg_text(limit - 4, MARGIN, "limit", "end"))
        parts.append(svg_text(WIDTH / 2, HEIGHT - 8, "microseconds per event (log), events (log)"))
        return svg_page("Latency per event", parts)
