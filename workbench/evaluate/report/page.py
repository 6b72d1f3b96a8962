"""A report as one page of HTML that needs nothing else: no script, no font, no network.

The page is built as a tree and written at the end, so that text cannot become markup.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from workbench.evaluate.backtest import Report
from workbench.evaluate.curves import Curve
from workbench.evaluate.report.sections import Section, sections
from workbench.evaluate.summary import summarise
from workbench.printable import printable

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem;
  color: #1a1a1a }
table { border-collapse: collapse; margin: .5rem 0; display: block; overflow-x: auto }
th, td { text-align: left; padding: .25rem .7rem; border-bottom: 1px solid #ddd; vertical-align: top;
  white-space: pre-wrap }
th { border-bottom: 2px solid #888 }
tr.wrong td { background: #fbe3dd }
p { color: #555 } svg { max-width: 32rem; font: 11px system-ui, sans-serif }
@media (prefers-color-scheme: dark) { body { background: #16181c; color: #e8e8e8 }
  th, td { border-color: #444 }
  tr.wrong td { background: #532a20 } p { color: #aaa } svg text { fill: #e8e8e8 } }
"""
_WIDTH, _HEIGHT, _EDGE = 460, 300, 40


def to_html(report: Report, title: str = "Backtest") -> bytes:
    """Give the page: the verdict first, then all other sections."""
    summary = summarise(report)
    page = ET.Element("html", lang="en")
    head = _add(page, "head")
    _add(head, "meta", charset="utf-8")
    ET.SubElement(head, "meta", {"http-equiv": "Content-Security-Policy", "content": _POLICY})
    _add(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    _add(head, "title", title)
    _add(head, "style", _STYLE)
    body = _add(page, "body")
    _add(body, "h1", title)
    *rest, first = sections(report, summary)
    _section(body, first)
    if summary.curve:
        _add(body, "h2", "Precision against recall")
        _curve(body, summary.curve)
        _add(body, "p", f"Average precision {summary.curve.average_precision:.3f}, of the fused score.")
    for section in reversed(rest):
        _section(body, section)
    text: bytes = ET.tostring(page, encoding="utf-8", method="html")
    return b"<!doctype html>\n" + text + b"\n"


def _add(parent: ET.Element, tag: str, text: str = "", **attributes: str) -> ET.Element:
    child = ET.SubElement(parent, tag, attributes)
    child.text = text if tag == "style" else printable(text) or None
    return child


def _section(body: ET.Element, section: Section) -> None:
    _add(body, "h2", section.title)
    if section.rows:
        _table(body, section)
    if section.note:
        _add(body, "p", section.note)


def _table(body: ET.Element, section: Section) -> None:
    table = _add(body, "table")
    if any(section.columns):
        row = _add(_add(table, "thead"), "tr")
        for name in section.columns:
            _add(row, "th", name, scope="col")
    rows = _add(table, "tbody")
    for number, cells in enumerate(section.rows):
        row = ET.SubElement(rows, "tr", {"class": "wrong"} if number in section.wrong else {})
        for cell in cells:
            _add(row, "td", cell)


def _curve(body: ET.Element, curve: Curve) -> None:
    svg = _add(body, "svg", viewBox=f"0 0 {_WIDTH} {_HEIGHT}", role="img")
    svg.set("aria-label", "precision against recall")
    for step in range(6):
        value = step / 5
        x, y = _place(value, value)
        _add(svg, "text", f"{value:.1f}", x=f"{x:.0f}", y=str(_HEIGHT - _EDGE + 18)).set(
            "text-anchor", "middle"
        )
        _add(svg, "text", f"{value:.1f}", x=str(_EDGE - 8), y=f"{y + 4:.0f}").set("text-anchor", "end")
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (_place(p.recall, p.precision) for p in curve.points))
    frame = _add(
        svg, "rect", x=str(_EDGE), y="10", width=str(_WIDTH - _EDGE - 20), height=str(_HEIGHT - _EDGE - 10)
    )
    for shape in (frame, _add(svg, "polyline", points=points)):
        shape.set("fill", "none")
        shape.set("stroke", "#999" if shape is frame else "#0072B2")
    for point in curve.points:
        x, y = _place(point.recall, point.precision)
        dot = _add(svg, "circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r="3", fill="#0072B2")
        _add(
            dot,
            "title",
            f"from score {point.threshold:g}: recall {point.recall:.2f}, precision {point.precision:.2f}",
        )


def _place(recall: float, precision: float) -> tuple[float, float]:
    return (
        _EDGE + recall * (_WIDTH - _EDGE - 20),
        10 + (1 - precision) * (_HEIGHT - _EDGE - 10),
    )
