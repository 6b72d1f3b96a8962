"""The way that data took, from where it was read to where it left, hop by hop, as a graph."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from workbench.event import Event
from workbench.nb.view.figure import GREY, RED, WIDTH, Figure, cut, svg_line, svg_page, svg_text
from workbench.nb.view.plain import plain
from workbench.printable import printable
from workbench.scorer import Finding

SHOWN = 60
_BOX, _GAP, _TOP = 30, 46, 40
_HOSTS = ("destination.domain", "dns.question.name", "destination.ip")
_HOP = re.compile(r"(?P<action>\S+) (?P<source>.*) → (?P<target>.*) \((?P<confidence>[0-9.]+)\)", re.DOTALL)


@dataclass(frozen=True)
class Hop:
    """One step of the data, and how sure it is, 0 to 1; the step to the finding has no number."""

    action: str
    source: str
    target: str
    confidence: float | None

    def __str__(self) -> str:
        """Give the action and its confidence."""
        return self.action if self.confidence is None else f"{self.action} · {self.confidence:.2f}"


class ProvenanceGraph(Figure):
    """The hops of one finding or several, sources above, sinks below; the weakest hop is marked.

    `sink` names where the data went, such as a host; without it that is the finding. `of` looks it up. Shows
    at most `SHOWN` hops and says so. Texts are escaped.
    """

    def __init__(self, findings: Finding | Sequence[Finding], sink: str = "") -> None:
        chosen = [findings] if isinstance(findings, Finding) else list(findings)
        self.title = printable("; ".join(dict.fromkeys(finding.rule_title for finding in chosen)))
        told = dict.fromkeys(hop for finding in chosen for hop in finding.provenance_path)
        hops = list(dict.fromkeys(hop for hop in map(read_hop, told) if hop))
        # The connection on which the data left also labels who made it; drawn once, as the way out.
        hops = [hop for hop in hops if not sink or hop.source != printable(sink)]
        self.total, self.hops = len(hops), hops[:SHOWN]
        sure = [1.0 if hop.confidence is None else hop.confidence for hop in self.hops]
        self.weakest = min(range(len(sure)), key=sure.__getitem__, default=-1)
        inner = {hop.source for hop in self.hops}
        ends = dict.fromkeys(hop.target for hop in self.hops if hop.target not in inner)
        self.hops += [Hop("leaves", end, printable(sink) or f"⚠ {self.title}", None) for end in ends]

    @classmethod
    def of(cls, finding: Finding, events: Iterable[Event]) -> ProvenanceGraph:
        """Draw one finding, its sink being the host that its event, one of `events`, reached."""
        event = next((one for one in events if one.get("event.id") == finding.event_id), {})
        host = next((str(event[name]) for name in _HOSTS if name in event), "")
        return cls(finding, sink=host)

    def text(self) -> str:
        """Give the hops as numbered lines, the weakest marked."""
        drawn = [f"{n + 1}. {hop}: {hop.source} → {hop.target}" for n, hop in enumerate(self.hops)]
        if drawn:
            drawn[self.weakest] += "  ← weakest"
        more = [f"… {self.total - SHOWN} more hops are not shown"] if self.total > SHOWN else []
        return "\n".join([self.title, *(drawn or ["no data was followed to this finding"]), *more])

    def _layers(self) -> list[list[str]]:
        """Give the nodes by their longest distance from a source; a hop back up does not count."""
        depth: dict[str, int] = {}
        for _ in range(len(self.hops) + 1):
            before = dict(depth)
            for hop in self.hops:
                below = depth.setdefault(hop.source, 0) + 1
                if depth.get(hop.target, 0) < below <= len(self.hops):
                    depth[hop.target] = below
            if depth == before:
                break
        for hop in reversed(self.hops):  # a source stands just above what it flows into
            if all(hop.source != other.target for other in self.hops):
                depth[hop.source] = min(depth[h.target] for h in self.hops if h.source == hop.source) - 1
        layers: dict[int, list[str]] = defaultdict(list)
        for node, level in depth.items():
            layers[level].append(node)
        return [layers[level] for level in sorted(layers)]

    def _places(self) -> dict[str, tuple[float, float, float]]:
        """Give the left, the top and the width of each node's box."""
        places: dict[str, tuple[float, float, float]] = {}
        for level, nodes in enumerate(self._layers()):
            width = min(420.0, (WIDTH - 20) / len(nodes) - 10)
            span = (width + 10) * len(nodes) - 10
            for number, node in enumerate(nodes):
                left = (WIDTH - span) / 2 + (width + 10) * number
                places[node] = (left, _TOP + level * (_BOX + _GAP), width)
        return places

    def svg(self) -> str:
        """Give the picture: boxes for files, processes and hosts, arrows for hops."""
        places = self._places()
        parts = [svg_text(WIDTH / 2, 18, cut(self.title, 100), style='font-weight="bold"')]
        parts.append(
            f'<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="11" markerHeight="11" '
            f'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="{GREY}"/></marker>'
            "</defs>"
        )
        for number, hop in enumerate(self.hops):
            (left, top, width), (to_left, to_top, to_width) = places[hop.source], places[hop.target]
            start, end = (left + width / 2, top + _BOX), (to_left + to_width / 2, to_top)
            weak = number == self.weakest
            style = 'stroke-width="3" stroke-dasharray="6 4"' if weak else 'stroke-width="1.5"'
            parts.append(svg_line([start, end], RED if weak else GREY, f'{style} marker-end="url(#a)"'))
            told = f"{hop}{' · weakest' if weak else ''}"
            aslant = (start[0] > end[0]) - (start[0] < end[0])  # beside a slanting line, not across it
            x, y = (start[0] + end[0]) / 2 + 10, (start[1] + end[1]) / 2 + 4 + 9 * aslant
            parts.append(svg_text(x, y, told, "start", 'font-weight="bold"' if weak else ""))
        for node, (left, top, width) in places.items():
            parts.append(
                f'<g><title>{plain(node)}</title><rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" '
                f'height="{_BOX}" rx="5" fill="none" stroke="{GREY}"/>'
                f"{svg_text(left + width / 2, top + 19, cut(node, int(width / 7)))}</g>"
            )
        if not places:
            parts.append(svg_text(WIDTH / 2, 60, "no data was followed to this finding"))
        levels = max((top for _, top, _ in places.values()), default=50.0)
        return svg_page("Provenance", parts, levels + _BOX + 14)

    def figure(self) -> go.Figure:
        """Give the same graph for Plotly: the whole names show under the pointer."""
        places = self._places()
        figure = go.Figure()
        for number, hop in enumerate(self.hops):
            (left, top, width), (to_left, to_top, to_width) = places[hop.source], places[hop.target]
            weak = number == self.weakest
            figure.add_annotation(
                **{"x": to_left + to_width / 2, "y": -to_top, "ax": left + width / 2, "ay": -top - _BOX},
                **{"xref": "x", "yref": "y", "axref": "x", "ayref": "y", "text": "", "arrowhead": 2},
                arrowcolor=RED if weak else GREY,
                arrowwidth=3 if weak else 1.5,
            )
            figure.add_annotation(
                x=(left + width / 2 + to_left + to_width / 2) / 2 + 8,
                y=-(top + _BOX + to_top) / 2,
                text=f"{plain(str(hop))}{' · <b>weakest</b>' if weak else ''}",
                **{"showarrow": False, "xanchor": "left"},
            )
        for left, top, width in places.values():
            figure.add_shape(
                **{"type": "rect", "x0": left, "x1": left + width, "y0": -top, "y1": -top - _BOX},
                **{"line_color": GREY},
            )
        figure.add_scatter(
            x=[left + width / 2 for left, _, width in places.values()],
            y=[-top - _BOX / 2 for _, top, _ in places.values()],
            text=[plain(cut(node, int(places[node][2] / 7))) for node in places],
            hovertext=[plain(node) for node in places],
            **{"mode": "text", "hoverinfo": "text", "showlegend": False},
        )
        height = 110 + max((top for _, top, _ in places.values()), default=50.0)
        figure.update_xaxes(visible=False, range=[0, WIDTH])
        figure.update_yaxes(visible=False)
        figure.update_layout(title=plain(cut(self.title, 100)), height=height)
        return figure


def read_hop(text: str) -> Hop | None:
    """Read a hop of a finding's path.

    >>> read_hop("file/read /home/dev/.npmrc → base64(25) (0.95)")
    Hop(action='file/read', source='/home/dev/.npmrc', target='base64(25)', confidence=0.95)
    """
    match = _HOP.fullmatch(text)
    if match is None:
        return None
    source, target = printable(match["source"]), printable(match["target"])
    return Hop(printable(match["action"]), source, target, float(match["confidence"]))
