"""The reliability diagram: was it right as often as it was sure?"""

from __future__ import annotations

from collections.abc import Iterable

from workbench.nb.view.chart import Chart, Series
from workbench.nb.view.figure import BLUE, ORANGE


class ReliabilityChart(Chart):
    """Bins of (confidence said, share that was right, how many); on the dashed line the two agree."""

    x_label, y_label = "confidence", "share that was right"
    x_range = y_range = (0.0, 1.0)

    def __init__(self, bins: Iterable[tuple[float, float, int]], title: str = "Reliability") -> None:
        self.bins = sorted(bins)
        self.title = f"{title}: {sum(count for _, _, count in self.bins)} judged"
        self.series = (
            Series(
                "observed",
                [(said, right) for said, right, _ in self.bins],
                BLUE,
                notes=[f"{count} judged" for _, _, count in self.bins],
            ),
            Series("as sure as right", [(0.0, 0.0), (1.0, 1.0)], ORANGE, dash=True),
        )

    def text(self) -> str:
        """Give each bin in words."""
        told = "; ".join(f"said {said:.2f}, right {right:.2f} of {count}" for said, right, count in self.bins)
        return f"{self.title}. {told}"
