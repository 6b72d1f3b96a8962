"""The way that data took, from where it was read to where it left, hop by hop."""

from __future__ import annotations

from html import escape

from workbench.printable import printable
from workbench.scorer import Finding

_STYLE = """<style>
.wb-path{font:13px/1.7 ui-monospace,monospace}.wb-path .weak{font-weight:bold;outline:1px solid}
</style>"""


class DataPath:
    """A finding's provenance as an ordered list, its weakest hop marked; texts are escaped."""

    def __init__(self, finding: Finding) -> None:
        self.title = finding.rule_title
        self.hops = [printable(hop) for hop in finding.provenance_path]
        self.weakest = min(range(len(self.hops)), key=lambda n: _confidence(self.hops[n]), default=-1)

    def __repr__(self) -> str:
        """Draw as numbered lines."""
        lines = [
            f"{number + 1}. {hop}{'  ← weakest' if number == self.weakest else ''}"
            for number, hop in enumerate(self.hops)
        ]
        return "\n".join([self.title, *(lines or ["no data was followed to this finding"])])

    def _repr_html_(self) -> str:
        items = "".join(
            f"<li{' class=weak' if number == self.weakest else ''}>{escape(hop)}"
            f"{' ← weakest' if number == self.weakest else ''}</li>"
            for number, hop in enumerate(self.hops)
        )
        body = f"<ol>{items}</ol>" if items else "<p>no data was followed to this finding</p>"
        return f'{_STYLE}<div class="wb-path"><b>{escape(self.title)}</b>{body}</div>'


def _confidence(hop: str) -> float:
    """Read the confidence that ends a hop's line, 1 when it has none."""
    number = hop.rpartition("(")[2].rstrip(")")
    try:
        return float(number)
    except ValueError:
        return 1.0
