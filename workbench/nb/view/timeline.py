"""A session's events over time, a row for each kind, findings marked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape

import plotly.graph_objects as go

from workbench.event import Event, integer
from workbench.nb.view.figure import BLUE, HEIGHT, MARGIN, RED, WIDTH, Figure, svg_page, svg_text
from workbench.scorer import Finding

SHOWN = 4_000
_LEFT = 150  # room for the names of the rows
_NANO = 1e9


class Timeline(Figure):
    """Events as dots by time (seconds since the first) and kind; at most `SHOWN` are drawn, and it says so.

    Of too many, every n-th is drawn, so the picture keeps its shape; findings are all drawn.
    """

    def __init__(self, events: Iterable[Event], findings: Sequence[Finding] = ()) -> None:
        told = list(events)
        self.begin = min((integer(event, "@timestamp") for event in told), default=0)
        self.total = len(told)
        counts = Counter(_kind(event) for event in told)
        self.kinds = [kind for kind, _ in counts.most_common()]
        step = max(1, -(-len(told) // SHOWN))
        self.shown = [(self._seconds(integer(e, "@timestamp")), _kind(e), _what(e)) for e in told[::step]]
        self.findings = [(self._seconds(f.timestamp), f.rule_title) for f in findings]

    def _seconds(self, time: int) -> float:
        return (time - self.begin) / _NANO

    def text(self) -> str:
        """Say how many events there are, how many are drawn, and when the findings were."""
        sampled = f", {len(self.shown)} drawn" if len(self.shown) < self.total else ""
        found = "; ".join(f"{time:.1f} s {title}" for time, title in self.findings)
        return f"{self.total} events in {len(self.kinds)} kinds{sampled}" + (f". {found}" if found else "")

    def figure(self) -> go.Figure:
        """Give the interactive timeline; it zooms by dragging."""
        dots = go.Scattergl(
            x=[time for time, _, _ in self.shown],
            y=[kind for _, kind, _ in self.shown],
            text=[what for _, _, what in self.shown],
            mode="markers",
            marker={"size": 5, "color": BLUE, "opacity": 0.5},
            hovertemplate="%{x:.3f} s %{text}<extra></extra>",
        )
        figure = go.Figure(dots)
        for time, title in self.findings:
            figure.add_vline(x=time, line_color=RED, annotation_text=title, annotation_font_color=RED)
        figure.update_xaxes(title="seconds")
        figure.update_yaxes(categoryorder="array", categoryarray=self.kinds[::-1])
        figure.update_layout(title=self.text()[:120], height=160 + 22 * len(self.kinds))
        return figure

    def svg(self) -> str:
        """Give the static timeline: the ten most frequent kinds, the others in a row of their own."""
        rows = {kind: number for number, kind in enumerate(self.kinds[:10])}
        last = (
            max([time for time, _, _ in self.shown] + [time for time, _ in self.findings], default=1.0) or 1.0
        )
        width, height = WIDTH - _LEFT - MARGIN, (HEIGHT - 2 * MARGIN) / 11
        names = [*rows, *(["others"] if len(self.kinds) > len(rows) else [])]
        parts = [svg_text(WIDTH / 2, 18, self.text()[:110])]
        for number, name in enumerate(names):
            parts.append(svg_text(_LEFT - 8, MARGIN + height * (number + 0.7), name, "end"))
        for time, kind, _ in self.shown:
            x, y = _LEFT + width * time / last, MARGIN + height * (rows.get(kind, 10) + 0.5)
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{BLUE}" opacity="0.5"/>')
        for time, _ in self.findings:
            x = _LEFT + width * time / last
            parts.append(
                f'<path d="M{x:.1f} {MARGIN} V{HEIGHT - MARGIN}" stroke="{RED}" stroke-width="1.5"/>'
            )
        parts.append(svg_text(_LEFT, HEIGHT - MARGIN + 16, "0 s", "start"))
        parts.append(svg_text(WIDTH - MARGIN, HEIGHT - MARGIN + 16, f"{last:.1f} s", "end"))
        return svg_page("Session timeline", parts)


def _kind(event: Event) -> str:
    return f"{event['event.category']} {event['event.action']}"


def _what(event: Event) -> str:
    """Give the one text that tells most about an event, escaped: Plotly reads some markup in its labels."""
    names = ("process.command_line", "file.path", "dns.question.name", "destination.ip", "gen_ai.tool.name")
    told = next((str(event[name]) for name in names if name in event), "")
    return escape(told[:120])
