"""A session's events over time, a row for each kind, findings marked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import plotly.graph_objects as go

from workbench.event import Event, gist, integer
from workbench.nb.view.figure import (
    BLUE,
    FAINT,
    GREEN,
    GREY,
    MARGIN,
    ORANGE,
    PINK,
    RED,
    WIDTH,
    Figure,
    cut,
    svg_line,
    svg_page,
    svg_text,
)
from workbench.nb.view.plain import plain
from workbench.printable import counted
from workbench.scorer import Finding

SHOWN = 4_000
_ROWS, _ROW = 12, 20
_LEFT = 150  # room for the names of the rows
_NANO = 1e9
_COLOURS = {"file": BLUE, "process": GREEN, "network": ORANGE, "agent": PINK}
_FINDING = "finding"


class Timeline(Figure):
    """Events as dots by time (seconds since the first) and kind; at most `SHOWN` are drawn, and it says so.

    Of too many, every n-th of each kind is drawn, so that rare kinds stay; findings are all drawn.
    """

    def __init__(self, events: Iterable[Event], findings: Sequence[Finding] = ()) -> None:
        told = list(events)
        self.begin = min((integer(event, "@timestamp") for event in told), default=0)
        self.total = len(told)
        counts = Counter(_kind(event) for event in told)
        self.kinds = [kind for kind, _ in counts.most_common()]
        most = SHOWN // max(len(counts), 1)
        steps = {kind: -(-count // most) for kind, count in counts.items()} if len(told) > SHOWN else {}
        met: Counter[str] = Counter()
        self.shown: list[tuple[float, str, str]] = []
        for event in told:
            kind = _kind(event)
            if met[kind] % steps.get(kind, 1) == 0:
                self.shown.append((self._seconds(integer(event, "@timestamp")), kind, _what(event)))
            met[kind] += 1
        self.findings = [(self._seconds(f.timestamp), f.rule_title) for f in findings]

    def _seconds(self, time: int) -> float:
        return (time - self.begin) / _NANO

    def text(self) -> str:
        """Say how many events there are, how many are drawn, and when the findings were."""
        found = "; ".join(f"{time:.1f} s {title}" for time, title in self.findings)
        return self._title() + (f". {found}" if found else "")

    def _title(self) -> str:
        sampled = f", {len(self.shown)} drawn" if len(self.shown) < self.total else ""
        found = counted(len(self.findings), "finding")
        return f"{self.total} events in {len(self.kinds)} kinds{sampled}, {found}"

    def figure(self) -> go.Figure:
        """Give the interactive timeline; drag, or move the ends of the lower strip, to zoom."""
        figure = go.Figure()
        for category in dict.fromkeys(kind.split()[0] for kind in self.kinds):
            dots = [dot for dot in self.shown if dot[1].split()[0] == category]
            figure.add_scatter(
                x=[time for time, _, _ in dots],
                y=[kind for _, kind, _ in dots],
                text=[what for _, _, what in dots],
                name=category,
                mode="markers",
                marker={"size": 6, "color": _COLOURS.get(category, GREY), "opacity": 0.6},
                hovertemplate="%{x:.3f} s %{text}<extra></extra>",
            )
        for time, _ in self.findings:
            figure.add_vline(x=time, line_color=RED, line_width=1)
        if self.findings:
            figure.add_scatter(
                x=[time for time, _ in self.findings],
                y=[_FINDING] * len(self.findings),
                text=[plain(title) for _, title in self.findings],
                name=_FINDING,
                mode="markers",
                marker={"size": 11, "color": RED, "symbol": "triangle-down"},
                hovertemplate="%{x:.3f} s %{text}<extra></extra>",
            )
        figure.update_xaxes(title="seconds", rangeslider={"visible": True, "thickness": 0.08})
        rows = [*self.kinds[::-1], *([_FINDING] if self.findings else [])]
        figure.update_yaxes(categoryorder="array", categoryarray=rows, fixedrange=True)
        figure.update_layout(title=self._title(), height=230 + 22 * len(rows), dragmode="zoom")
        return figure

    def svg(self) -> str:
        """Give the static timeline: the most frequent kinds, the others in a row of their own."""
        rows = {kind: number + 1 for number, kind in enumerate(self.kinds[:_ROWS])}
        names = [_FINDING, *rows, *(["others"] if len(self.kinds) > len(rows) else [])]
        last = max([time for time, _, _ in self.shown] + [time for time, _ in self.findings], default=1.0)
        width, bottom = WIDTH - _LEFT - MARGIN, MARGIN + _ROW * len(names)

        def place(time: float) -> float:
            return _LEFT + width * time / (last or 1.0)

        parts = [svg_text(_LEFT, 18, self._title(), "start", 'font-weight="bold"')]
        for number, name in enumerate(names):
            y = MARGIN + _ROW * (number + 0.5)
            parts.append(svg_text(_LEFT - 10, y + 4, name, "end"))
            parts.append(svg_line([(_LEFT, y), (WIDTH - MARGIN, y)], FAINT))
        for time, kind, _ in self.shown:
            y = MARGIN + _ROW * (rows.get(kind, _ROWS + 1) + 0.5)
            colour = _COLOURS.get(kind.split()[0], GREY)
            parts.append(
                f'<circle cx="{place(time):.1f}" cy="{y:.1f}" r="2.5" fill="{colour}" opacity="0.6"/>'
            )
        for time, _ in self.findings:
            x = place(time)
            parts.append(svg_line([(x, MARGIN), (x, bottom)], RED, 'stroke-width="1.5"'))
            parts.append(f'<path d="M{x - 6:.1f} {MARGIN} h12 l-6 10 z" fill="{RED}"/>')
        for number, (time, title) in enumerate(self.findings[:5]):
            told = cut(f"▼ {time:.1f} s  {title}", 100)
            parts.append(svg_text(_LEFT, bottom + 34 + 16 * number, told, "start"))
        ticks = [share * last for share in (0, 0.25, 0.5, 0.75, 1)]
        parts += [svg_text(place(tick), bottom + 14, f"{tick:.1f} s") for tick in ticks]
        return svg_page("Session timeline", parts, bottom + 30 + 16 * min(len(self.findings), 5))


def _kind(event: Event) -> str:
    return f"{event['event.category']} {event['event.action']}"


def _what(event: Event) -> str:
    """Give the one text that tells most about an event, escaped: Plotly reads some markup in its labels."""
    return plain(cut(gist(event), 120))
