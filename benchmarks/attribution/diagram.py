"""The reliability diagram as a static SVG: what was said to be sure against what was right."""

from __future__ import annotations

from workbench.evaluate.attribution import Reliability
from workbench.nb.view.figure import BLUE, svg_page, svg_text

# Where the square from (0, 0) to (1, 1) lies within the page, in its units.
LEFT, TOP, SIDE = 250, 14, 220
LEAST, GROWTH = 4.0, 10.0  # radius of a bin with no events, and what one with all of them has more
GREY = "#999999"


def reliability_svg(report: Reliability, title: str) -> str:
    """Draw the bins: a dot on the dashed line is a confidence that was exactly right, above it too cautious.

    A dot's area grows with its share of the events; the words beside it give the number.
    """
    parts = [
        f'<rect x="{LEFT}" y="{TOP}" width="{SIDE}" height="{SIDE}" fill="none" stroke="{GREY}"/>',
        f'<line x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}" stroke="{GREY}" stroke-dasharray="4 3"/>',
        svg_text(_x(0.5), _y(0) + 30, "confidence"),
        svg_text(_x(0) - 28, _y(0.5), "share right", "end"),
    ]
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(svg_text(_x(tick), _y(0) + 14, f"{tick:g}"))
        parts.append(svg_text(_x(0) - 6, _y(tick) + 4, f"{tick:g}", "end"))
    for number, one in enumerate(report.bins):
        radius = LEAST + GROWTH * (one.count / report.events) ** 0.5
        x, y = _x(one.predicted), _y(one.observed)
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{BLUE}" fill-opacity="0.75"/>'
        )
        label = f"said {one.predicted:.2f}, right {one.observed:.3f}, {one.count:,} events"
        parts.append(svg_text(LEFT + SIDE + 20, TOP + 14 + 18 * number, label, "start"))
    return svg_page(title, parts) + "\n"


def _x(confidence: float) -> float:
    return LEFT + SIDE * confidence


def _y(accuracy: float) -> float:
    return TOP + SIDE * (1 - accuracy)
