"""The reliability diagram: was it right as often as it was sure?"""

from __future__ import annotations

from collections.abc import Iterable

from workbench.evaluate.reliability import Bin
from workbench.nb.view.chart import Chart, Series
from workbench.nb.view.figure import BLUE, ORANGE


class ReliabilityChart(Chart):
    """What was said against what came true; on the dashed line the two agree."""

    x_label, y_label = "confidence", "share that was right"
    x_range = y_range = (0.0, 1.0)

    def __init__(self, bins: Iterable[Bin], title: str = "Reliability") -> None:
        self.bins = sorted(bins, key=lambda one: one.predicted)
        self.title = f"{title}: {sum(one.count for one in self.bins)} judged"
        self.series = (
            Series(
                "observed",
                [(one.predicted, one.observed) for one in self.bins],
                BLUE,
                notes=[f"{one.count} judged" for one in self.bins],
            ),
            Series("as sure as right", [(0.0, 0.0), (1.0, 1.0)], ORANGE, dash=True),
        )

    def text(self) -> str:
        """Give each bin in words."""
        told = "; ".join(
            f"said {one.predicted:.2f}, right {one.observed:.2f} of {one.count}" for one in self.bins
        )
        return f"{self.title}. {told}"
